/**
 * Variables: finds the resource variables of a file and their uses.
 *
 * In: the checked file.
 * Out: the variable of every VAR_HANDLE: where it is read and written, its initial value, and, if that is
 * already clear, why it cannot be a history. A history is read before it is written, is written once per
 * step, and starts at zero (in int8 at the zero point). Container and name identify a variable. Without
 * CALL_ONCE a variable starts at the zero point, as in TensorFlow Lite Micro.
 * Source: tensorflow/lite/schema/schema.fbs; tensorflow/lite/micro/micro_resource_variable.cc,
 * kernels/call_once.cc.
 */
import type { TfGraph, TfModel, TfOperator, TfTensor } from './model.ts';
import { inconsistent } from './model.ts';
import { optionsOf } from './schema.ts';

export interface Variable {
  name: string;
  reads: TfOperator[];
  assigns: TfOperator[];
  /** The constant that CALL_ONCE assigns; undefined if there is none. */
  initial?: TfTensor;
  /** Why the variable cannot be a history. */
  problem?: string;
  /**
   * The graph tensor whose rows it keeps, and the file dimension of these rows. Set by the concatenation that
   * reads it.
   */
  source?: { id: number; dim: number; others: string };
}

/** Result of READ_VARIABLE: a variable, or its newest rows along `dim`. */
export interface StateRead {
  variable: Variable;
  tensor: TfTensor;
  /** File shape after slicing. */
  shape: number[];
  /** The dimension that was sliced. */
  dim?: number;
}

export class Variables {
  /** Variables by resource tensor of subgraph 0. */
  readonly ofResource = new Map<number, Variable>();
  private readonly byName = new Map<string, Variable>();
  private readonly model: TfModel;

  constructor(model: TfModel) {
    this.model = model;
    for (const op of model.operators) if (op.op === 'VAR_HANDLE') this.declare(op, model, this.ofResource);
    const resource = (op: TfOperator) => this.ofResource.get(op.inputs[0] ?? -1);
    for (const op of model.operators) {
      if (op.op === 'READ_VARIABLE') resource(op)?.reads.push(op);
      if (op.op === 'ASSIGN_VARIABLE') resource(op)?.assigns.push(op);
    }
    for (const op of model.operators) if (op.op === 'CALL_ONCE') this.initialise(op);
    for (const variable of this.byName.values()) variable.problem ??= problemOf(variable);
  }

  get all(): Iterable<Variable> {
    return this.byName.values();
  }

  /** Returns the variable of a VAR_HANDLE. Handles with the same container and name share it. */
  private declare(op: TfOperator, graph: TfGraph, into: Map<number, Variable>): Variable {
    const options = op.optionsType === optionsOf.VAR_HANDLE ? op.options : undefined;
    const container = options?.string(0) ?? '';
    const name = options?.string(1) ?? '';
    const key = `${container}/${name}`;
    const variable = this.byName.get(key) ?? { name, reads: [], assigns: [] };
    const others = [...this.byName].some(([k, v]) => k !== key && v.name === name);
    if (others) variable.problem = 'another variable of that name lies in another container';
    this.byName.set(key, variable);
    const [output] = op.outputs;
    if (output === undefined) throw inconsistent('a variable has no output', op.name);
    if (graph.tensors[output]?.type !== 'resource') throw inconsistent('the output of a variable is no resource', op.name);
    into.set(output, variable);
    return variable;
  }

  /** Reads an initialisation, which may only declare handles and assign constants. */
  private initialise(op: TfOperator): void {
    const index = (op.optionsType === optionsOf.CALL_ONCE ? op.options?.int32(0) : undefined) ?? 0;
    const graph = this.model.graphs[index];
    if (!graph || index === 0) throw inconsistent(`subgraph ${index} cannot be called`, op.name);
    const handles = new Map<number, Variable>();
    const fail = (why: string) => {
      for (const variable of this.byName.values()) variable.problem ??= why;
    };
    if (graph.inputs.length + graph.outputs.length > 0) fail(`${op.name} passes values to its subgraph`);
    for (const step of graph.operators) {
      if (step.op === 'VAR_HANDLE') {
        this.declare(step, graph, handles);
        continue;
      }
      const variable = handles.get(step.inputs[0] ?? -1);
      const value = graph.tensors[step.inputs[1] ?? -1];
      if (step.op !== 'ASSIGN_VARIABLE' || !variable || !value?.constant) {
        fail(`${op.name} does more than assign constants (${step.op})`);
        return;
      }
      const late = [...variable.reads, ...variable.assigns].some((use) => use.index < op.index);
      if (late) variable.problem ??= `${op.name} runs after it is used`;
      if (variable.initial) variable.problem ??= 'it is initialised twice';
      variable.initial = value;
    }
  }
}

function problemOf({ reads, assigns }: Variable): string | undefined {
  if (reads.length === 0) return undefined;
  if (assigns.length === 0)
    return 'it is read and never written, and the file does not hold its value: convert the model with its weights frozen';
  if (assigns.length > 1) return `it is written ${assigns.length} times a step`;
  const at = (assigns[0] as TfOperator).index;
  return reads.some((read) => read.index > at) ? 'it is read after it is written' : undefined;
}
