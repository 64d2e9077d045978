/**
 * Oracle: interprets a TensorFlow Lite file operator by operator, including resource variables.
 *
 * In: the file's bytes, then one value per input for each step.  Out: the outputs of each step; every tensor
 * can be inspected. It shares no code with the reader, the planner, the quantiser or the kernels. Source:
 * TensorFlow Lite Micro's interpreter and kernels. In micro_resource_variable.cc a variable without an
 * assignment holds the zero point of the first ASSIGN_VARIABLE's value. Errors: Invalid (no interpreter runs
 * the file), Unjudged (this oracle has no rule for it). Cost: naive loops.
 */
import { elementsOf, type FileOf, type OperatorOf, parseFile } from './file.ts';
import { Invalid, Unjudged } from './flat.ts';
import { rules } from './ops/index.ts';
import { fullyConnectedOnce } from './ops/weights.ts';
import { makeTensor, Op, rawBytes, type Tensor, type Values } from './runtime.ts';

interface Variable {
  /** Value before the first assignment. Undefined until an ASSIGN_VARIABLE sets the size. */
  initial?: Uint8Array;
  value: Uint8Array;
}

interface Prepared {
  tensors: Tensor[];
  inputs: number[];
  outputs: number[];
  steps: (() => void)[];
}

export class Oracle {
  readonly #once: boolean;
  readonly #graphs: Prepared[] = [];
  readonly #variables = new Map<string, Variable>();
  /** True for a variable's name if its handles have no container. */
  readonly #absent = new Map<string, boolean>();
  readonly #onces: { hasRun: boolean }[] = [];

  /** @param once if true, FULLY_CONNECTED rounds once, as in LiteRT 2.3.0. */
  constructor(file: Uint8Array | FileOf, once = false) {
    this.#once = once;
    const parsed = file instanceof Uint8Array ? parseFile(file) : file;
    if (parsed.subgraphs.length === 0) throw new Invalid('no subgraph');
    parsed.subgraphs.forEach((_, index) => {
      this.#prepare(parsed, index);
    });
    this.reset();
  }

  get #main(): Prepared {
    return this.#graphs[0] as Prepared;
  }

  get inputs(): Tensor[] {
    return this.#main.inputs.map((id) => this.#main.tensors[id] as Tensor);
  }

  get outputs(): Tensor[] {
    return this.#main.outputs.map((id) => this.#main.tensors[id] as Tensor);
  }

  /** All tensors of the main graph, with their values of the last step. */
  get tensors(): readonly Tensor[] {
    return this.#main.tensors;
  }

  /** Restores the state before the first step. */
  reset(): void {
    for (const v of this.#variables.values()) if (v.initial) v.value.set(v.initial);
    for (const once of this.#onces) once.hasRun = false;
  }

  /** Runs one step and returns its outputs. */
  step(inputs: ArrayLike<number>[]): Values[] {
    this.inputs.forEach((tensor, i) => {
      const value = inputs[i];
      if (value?.length !== tensor.values.length) throw new Error(`input ${i} has ${value?.length} values`);
      tensor.values.set(value);
    });
    for (const step of this.#main.steps) step();
    return this.outputs.map((t) => t.values.slice());
  }

  #prepare(file: FileOf, index: number): void {
    const of = file.subgraphs[index] as FileOf['subgraphs'][number];
    const tensors = of.tensors.map((t) => {
      // A variable tensor keeps its value between steps; only SVDF and LSTM have them.
      if (t.isVariable) throw new Unjudged(`${t.name} is a variable tensor`);
      return makeTensor(t);
    });
    const graph: Prepared = { tensors, inputs: of.inputs, outputs: of.outputs, steps: [] };
    this.#graphs[index] = graph;
    const known = new Set<number>();
    of.tensors.forEach((t, id) => {
      if (t.data || elementsOf(t.shape) === 0) known.add(id);
    });
    const check = (id: number, what: string) => {
      if (!(id >= 0 && id < tensors.length)) throw new Invalid(`${what} ${id} is no tensor`);
    };
    for (const id of of.inputs) {
      check(id, 'input');
      if (of.tensors[id]?.data) throw new Unjudged('an input that is constant');
      known.add(id);
    }
    const handles = new Map<number, string>();
    for (const o of of.operators) {
      for (const id of o.inputs) {
        if (id === -1) continue;
        check(id, `${o.op} input`);
        if (!known.has(id)) throw new Invalid(`${o.op} reads ${of.tensors[id]?.name} before it is written`);
      }
      for (const id of o.outputs) {
        check(id, `${o.op} output`);
        if (of.tensors[id]?.data) throw new Invalid(`${o.op} writes the constant ${of.tensors[id]?.name}`);
        if (of.inputs.includes(id)) throw new Unjudged(`${o.op} writes an input`);
        if (known.has(id) && elementsOf(of.tensors[id]?.shape ?? []) > 0)
          throw new Unjudged(`${of.tensors[id]?.name} is written twice`);
        known.add(id);
      }
      const op = new Op(
        o,
        o.inputs.map((id) => tensors[id]),
        o.outputs.map((id) => tensors[id] as Tensor),
      );
      graph.steps.push(this.#variableOp(file, o, op, handles) ?? plainOp(o, op, this.#once));
    }
    for (const id of of.outputs) {
      check(id, 'output');
      if (!known.has(id)) throw new Invalid(`nothing writes the output ${of.tensors[id]?.name}`);
      if (of.tensors[id]?.type === 'resource') throw new Unjudged('an output that is a resource');
    }
  }

  #variableOp(file: FileOf, o: OperatorOf, op: Op, handles: Map<number, string>): (() => void) | undefined {
    const variableOf = (): Variable => {
      const name = handles.get(o.inputs[0] ?? -1);
      if (name === undefined) op.unknown('its resource is not a VAR_HANDLE of this subgraph');
      return this.#variables.get(name) as Variable;
    };
    switch (o.op) {
      case 'VAR_HANDLE': {
        op.counts(0);
        if (op.output().of.type !== 'resource') op.fail('its output is no resource');
        handles.set(o.outputs[0] as number, this.#handle(op));
        return () => {};
      }
      case 'ASSIGN_VARIABLE': {
        op.counts(2, 0);
        const value = rawBytes(op.input(1));
        const variable = variableOf();
        if (value.length === 0) op.unknown('an empty value');
        if (!variable.initial) {
          const zeroPoint = op.input(1).of.quant?.zeroPoints[0] ?? 0;
          variable.initial = new Uint8Array(value.length).fill(zeroPoint);
          variable.value = variable.initial.slice();
        }
        const held = variable.value;
        if (held.length !== value.length) op.fail('the variable has another size');
        return () => held.set(value);
      }
      case 'READ_VARIABLE': {
        op.counts(1);
        const variable = variableOf();
        const into = rawBytes(op.output());
        // A later operator may set the variable's size, so the step checks it.
        return () => {
          if (variable.value.length !== into.length) op.fail('the variable has another size');
          into.set(variable.value);
        };
      }
      case 'CALL_ONCE': {
        op.counts(0, 0);
        const called = op.number('subgraph');
        if (called <= 0 || called >= file.subgraphs.length) op.fail(`there is no subgraph ${called}`);
        const target = file.subgraphs[called];
        if (target?.inputs.length || target?.outputs.length) op.fail('its subgraph has inputs or outputs');
        if (target?.operators.some((t) => t.op === 'CALL_ONCE')) op.unknown('its subgraph calls another');
        const once = { hasRun: false };
        this.#onces.push(once);
        return () => {
          if (once.hasRun) return;
          once.hasRun = true;
          for (const step of this.#graphs[called]?.steps ?? []) step();
        };
      }
      default:
        return undefined;
    }
  }

  /**
   * Returns the variable's key. Micro treats an absent container as equal to any container, so a mix of
   * absent and present containers is ambiguous.
   */
  #handle(op: Op): string {
    const name = String(op.options.sharedName ?? op.unknown('it has no name'));
    const absent = op.options.container === undefined;
    if ((this.#absent.get(name) ?? absent) !== absent) op.unknown('one handle of this name has a container, another has none');
    this.#absent.set(name, absent);
    const key = JSON.stringify([op.options.container, name]);
    if (!this.#variables.has(key)) this.#variables.set(key, { value: new Uint8Array(0) });
    return key;
  }
}

function plainOp(o: OperatorOf, op: Op, once: boolean): () => void {
  if (once && o.op === 'FULLY_CONNECTED') return fullyConnectedOnce(op);
  const rule = rules[o.op as keyof typeof rules];
  if (!rule) throw new Unjudged(`no rule for ${o.op}`);
  return rule(op);
}
