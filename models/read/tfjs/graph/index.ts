/**
 * readGraphModel: reads a TensorFlow.js graph model into a float Graph.
 *
 * In: the parsed model.json, which is not trusted, and its weight files (ReadOptions.files).  Out: a folded
 * Graph. Its operators are TensorFlow's, as the converter takes them from a SavedModel. Each is rewritten as
 * ONNX operators (rules/), which models/read/onnx lowers, so one reader handles constants, axes, time and
 * operators of both formats. Errors are RN160 to RN165, as for layers models.
 * Source: tfjs-converter's executor and operator lists; TensorFlow's graph.proto.
 */
import { RunletError } from '../../../error.ts';
import type { Graph } from '../../../graph/types.ts';
import { kerasBatchOfOne } from '../../foreign/lines.ts';
import { constantOf } from '../../onnx/constants.ts';
import { type Dialect, lowerModel } from '../../onnx/index.ts';
import type { OnnxModel, OnnxValue } from '../../onnx/proto.ts';
import type { Const } from '../../onnx/tensor.ts';
import type { ReaderOptions } from '../../options.ts';
import { streamingReason } from '../../refused.ts';
import { said } from '../dialect.ts';
import { badWeights, malformed, Refusal } from '../fail.ts';
import { isObject, type Json } from '../model.ts';
import { readWeights, type Tensor } from '../weights.ts';
import { dimsOf, type NodeDef, readNodes, valueName } from './nodes.ts';
import { Rewriter } from './rewriter.ts';
import { keepSplit, rewrites } from './rules/index.ts';

const dialect: Dialect = {
  format: 'tfjs',
  channelsLast: true,
  batchOfOne: (dims) => `convert the model with an open batch, or with batch 1: ${kerasBatchOfOne(dims)}`,
  said,
};

export async function readGraphModel(json: Json, given: ReaderOptions): Promise<Graph> {
  const topology = json.modelTopology as Json;
  const nodes = readNodes(topology);
  const signature = signatureOf(json);
  const outputs = outputsOf(nodes, signature);
  const live = liveNodes(nodes, outputs);
  const weights = await readWeights(json.weightsManifest, given.files);
  const constants = constantsOf(live, weights);
  const rewriter = new Rewriter(constants);
  for (const node of live) if (node.op !== 'Const' && node.op !== 'Placeholder') rewrite(rewriter, node);
  const model: OnnxModel = {
    irVersion: 0,
    producer: '',
    opsets: new Map([['', 17]]),
    functions: 0,
    metadata: metadataOf(json),
    graphName: '',
    nodes: rewriter.nodes,
    initializers: [...rewriter.initializers, ...live.filter(({ op }) => op === 'Const').map(initializerOf(constants))],
    external: [],
    inputs: live.filter(({ op }) => op === 'Placeholder').map((node) => inputOf(node, signature)),
    outputs: outputs.map((name) => ({ name, elementType: 1, dims: undefined })),
  };
  for (const name of outputs) if (rewriter.splitOf(name)) throw malformed('an output is split by SpaceToBatchND', `node ${name}`);
  try {
    return lowerModel(model, given, dialect);
  } catch (error) {
    throw error instanceof RunletError ? dialect.said(error) : error;
  }
}

const initializerOf =
  (constants: ReadonlyMap<string, Const>) =>
  ({ name }: NodeDef) => ({ name, value: constants.get(name) as Const });

/** Rewrites a node as ONNX operators. If this fails, it adds an unsupported node with the reason. */
function rewrite(rewriter: Rewriter, node: NodeDef): void {
  const count = rewriter.nodes.length;
  try {
    const found = rewrites.get(node.op);
    if (!found) throw new Refusal(whyNot(node));
    if (!keepSplit.has(node.op) && node.inputs.some((x) => rewriter.splitOf(x)))
      throw new Refusal('it stands between SpaceToBatchND and BatchToSpaceND, where only a convolution is read');
    found(rewriter, node);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    rewriter.nodes.length = count;
    rewriter.unsupported(node, error.message);
  }
}

/** Returns why an operator without a rule is refused. */
function whyNot({ op }: NodeDef): string {
  if (/^Conv3D(BackpropInput|Transpose)/.test(op)) return 'a transposed convolution has no operator here';
  if (/^(Stateless)?(While|If)$|^TensorList/.test(op)) return 'loops, as in recurrent layers, are not read from graph models';
  return streamingReason(op, {}) ?? 'the operator is not supported';
}

interface Signature {
  inputs: Json;
  outputs: Json;
}

function signatureOf(json: Json): Signature {
  const user = isObject(json.userDefinedMetadata) ? json.userDefinedMetadata.signature : undefined;
  const signature = [json.signature, user].find(isObject) ?? {};
  const part = (name: 'inputs' | 'outputs'): Json => (isObject(signature[name]) ? signature[name] : {});
  return { inputs: part('inputs'), outputs: part('outputs') };
}

/** Returns the values that the signature names, else those that nothing reads. */
function outputsOf(nodes: ReadonlyMap<string, NodeDef>, { outputs }: Signature): string[] {
  const named = Object.values(outputs).flatMap((output) => (isObject(output) ? [valueName(output.name, 'signature') ?? ''] : []));
  if (named.length > 0) return [...new Set(named)];
  const read = new Set([...nodes.values()].flatMap(({ inputs }) => inputs.map((input) => input.replace(/:\d+$/, ''))));
  const left = [...nodes.values()].filter(({ name, op }) => !read.has(name) && !/^(Const|NoOp|Placeholder)$/.test(op));
  if (left.length === 0) throw malformed('the model has no output', 'signature');
  return left.map(({ name }) => name);
}

/** Returns the nodes that the outputs need in topological order. @throws RN161 */
function liveNodes(nodes: ReadonlyMap<string, NodeDef>, outputs: readonly string[]): NodeDef[] {
  const find = (value: string, where: string): NodeDef => {
    const node = nodes.get(value) ?? nodes.get(value.replace(/:\d+$/, ''));
    if (!node) throw malformed(`node ${value} is not there`, where);
    return node;
  };
  const state = new Map<NodeDef, 'open' | 'done'>();
  const order: NodeDef[] = [];
  for (const output of outputs) {
    const stack = [{ node: find(output, 'signature'), next: 0 }];
    while (stack.length > 0) {
      const top = stack.at(-1) as { node: NodeDef; next: number };
      if (top.next === 0 && state.has(top.node)) {
        stack.pop();
        continue;
      }
      state.set(top.node, 'open');
      const input = top.node.inputs[top.next++];
      if (input === undefined) {
        state.set(top.node, 'done');
        order.push(top.node);
        stack.pop();
        continue;
      }
      const node = find(input, `node ${top.node.name}`);
      if (state.get(node) === 'open') throw circle(node);
      stack.push({ node, next: 0 });
    }
  }
  return order;
}

/** Returns the error for a circle of nodes. A loop of TensorFlow 1 is such a circle. */
function circle({ name, op }: NodeDef): RunletError {
  const isLoop = /^(Enter|Merge|Switch|NextIteration|LoopCond|Exit)$/.test(op);
  if (!isLoop) return malformed('nodes read each other in a circle', `node ${name}`);
  const why = 'the loop is written in the form of TensorFlow 1, with Enter, Merge and NextIteration';
  return malformed(
    'a loop is a circle of nodes',
    `node ${name}`,
    why,
    'save the layers model, or convert it to ONNX or TensorFlow Lite',
  );
}

/** Returns constants by node name; an Identity of a constant is one too. @throws RN162 */
function constantsOf(live: readonly NodeDef[], weights: ReadonlyMap<string, () => Tensor>): Map<string, Const> {
  const constants = new Map<string, Const>();
  for (const node of live) {
    if (node.op === 'Const') {
      const tensor = (weights.get(node.name) ?? missing(node.name))();
      const { dims, data, whole } = tensor;
      constants.set(node.name, whole ? constantOf([...data], dims, 'int64') : { kind: 'const', dims, type: 'float32', data });
    } else if (node.op === 'Identity') {
      const passed = constants.get(node.inputs[0] ?? '');
      if (passed) constants.set(node.name, passed);
    }
  }
  return constants;
}

const missing = (name: string): never => {
  throw badWeights('a constant is not among the weights', `node ${name}`, 'the manifest has the values of all constants');
};

/** Numbers in onnx.proto of the types of inputs. */
const elementTypes: Readonly<Record<string, number>> = { DT_FLOAT: 1, DT_INT32: 6, DT_INT64: 7, DT_BOOL: 9 };

function inputOf(node: NodeDef, { inputs }: Signature): OnnxValue {
  const named = Object.values(inputs).find((input) => isObject(input) && valueName(input.name, 'signature') === node.name);
  const dims = node.shape('shape') ?? dimsOf((named as Json | undefined)?.tensorShape);
  return { name: node.name, elementType: elementTypes[node.type('dtype')] ?? 0, dims };
}

function metadataOf({ userDefinedMetadata: user }: Json): Record<string, string> {
  const metadata: Record<string, string> = {};
  if (isObject(user))
    for (const [key, value] of Object.entries(user)) if (typeof value === 'string' && key !== '__proto__') metadata[key] = value;
  return metadata;
}
