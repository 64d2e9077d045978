/**
 * findNorms: finds layer normalisations that a file writes as several single operators.
 *
 * In: the file's nodes in topological order, with a Step if the search knows the operator, and the file's
 * outputs.  Out: the last node of each normalisation, and the nodes that become unused.
 * Rule: every value has a form in terms of itself, and may also have a form in terms of an earlier value
 * (form.ts). The search does not use names.
 */
import {
  added,
  affineOf,
  type Constant,
  type Form,
  type Id,
  inverseOf,
  meanOf,
  multiplied,
  offset,
  one,
  reciprocal,
  scaled,
  squared,
  sumOf,
} from './form.ts';

export type StepKind =
  | ('add' | 'sub' | 'mul' | 'div' | 'squared difference')
  | ('mean' | 'square' | 'root' | 'inverse root' | 'reciprocal' | 'negative' | 'same');

export interface Step {
  kind: StepKind;
  inputs: readonly Id[];
  /** Dimensions of a mean; the result keeps them with length 1. */
  axes?: readonly number[];
  /** True: the node also clamps its result, so no later node continues its form. */
  clamped?: boolean;
}

export interface FileNode {
  inputs: readonly Id[];
  outputs: readonly Id[];
  step?: Step | undefined;
}

/** y = (x - mean) / sqrt(variance + epsilon) * gamma + beta, over dimensions of the file. */
export interface Norm {
  input: Id;
  axes: readonly number[];
  centre: boolean;
  epsilon: number;
  gamma: Constant;
  beta: Constant;
}

export interface Found {
  /** By the node's index in the list. */
  norms: Map<number, Norm>;
  dropped: Set<number>;
}

/** Largest number of values of a constant that the search uses. A choice: more than any layer has. */
const maxConstantValues = 1 << 16;

class Finder {
  private readonly forms = new Map<Id, Form>();
  private readonly constant: (id: Id) => Constant | undefined;
  constructor(constant: (id: Id) => Constant | undefined) {
    this.constant = constant;
  }

  /** Returns the forms of a value: in terms of an earlier value, if there is one, and in terms of itself. */
  private formsOf(id: Id): Form[] {
    const form = this.forms.get(id);
    return [...(form ? [form] : []), sumOf({ base: id }, ['x', one])];
  }

  private known(id: Id): Constant | undefined {
    const found = this.constant(id);
    return found && found.data.length > 0 && found.data.length <= maxConstantValues ? found : undefined;
  }

  /** Returns the first form that `f` gives for two forms, one of each value, with the same base. */
  private both(a: Id, b: Id, f: (a: Form, b: Form) => Form | undefined): Form | undefined {
    for (const p of this.formsOf(a)) {
      for (const q of this.formsOf(b)) {
        const found = p.base === q.base ? f(p, q) : undefined;
        if (found) return found;
      }
    }
    return undefined;
  }

  private one(id: Id, f: (a: Form) => Form | undefined): Form | undefined {
    for (const form of this.formsOf(id)) {
      const found = f(form);
      if (found) return found;
    }
    return undefined;
  }

  private binary(kind: StepKind, a: Id, b: Id): Form | undefined {
    const [p, q] = [this.known(a), this.known(b)];
    const minus = { dims: [], data: [-1] };
    if (p && q) return undefined;
    if (kind === 'squared difference') return this.both(a, b, (x, y) => ((d) => d && squared(d))(added(x, y, -1)));
    if (kind === 'add') {
      const [constant, value] = p ? [p, b] : [q, a];
      return constant ? this.one(value, (x) => offset(x, constant)) : this.both(a, b, (x, y) => added(x, y, 1));
    }
    if (kind === 'sub') {
      if (p) return this.one(b, (x) => ((negated) => negated && offset(negated, p))(scaled(x, minus)));
      if (q) return this.one(a, (x) => offset(x, { dims: q.dims, data: Float64Array.from(q.data, (v) => -v) }));
      return this.both(a, b, (x, y) => added(x, y, -1));
    }
    if (kind === 'mul') {
      const [constant, value] = p ? [p, b] : [q, a];
      if (constant) return this.one(value, (x) => scaled(x, constant));
      return a === b ? this.one(a, squared) : this.both(a, b, multiplied);
    }
    if (q) return this.one(a, (x) => scaled(x, inverseOf(q)));
    const root = this.one(b, (x) => reciprocal(x, 'root'));
    if (!root) return undefined;
    return p ? scaled(root, p) : this.one(a, (x) => (x.base === root.base ? multiplied(x, root) : undefined));
  }

  /** Returns the form of a step's result. */
  form({ kind, inputs, axes }: Step): Form | undefined {
    const [a, b] = inputs;
    if (a === undefined) return undefined;
    switch (kind) {
      case 'mean': {
        const over = [...(axes ?? [])].sort((p, q) => p - q).join();
        return this.one(a, (x) => meanOf(x, over)) ?? sumOf({ base: a, axes: over }, ['m', one]);
      }
      case 'square':
        return this.one(a, squared);
      case 'root':
        return this.one(a, (x) => (x.kind === 'variance' ? { ...x, kind: 'root' } : undefined));
      case 'inverse root':
        return this.one(a, (x) => reciprocal(x, 'variance'));
      case 'reciprocal':
        return this.one(a, (x) => reciprocal(x, 'root'));
      case 'negative':
        return this.one(a, (x) => scaled(x, { dims: [], data: [-1] }));
      case 'same':
        return this.forms.get(a);
    }
    return b === undefined ? undefined : this.binary(kind, a, b);
  }

  keep(id: Id, form: Form): void {
    this.forms.set(id, form);
  }
}

function normOf(form: Form): Norm | undefined {
  const affine = affineOf(form);
  if (!affine) return undefined;
  const axes = (form.axes ?? '').split(',').filter(Boolean).map(Number);
  return { input: form.base, axes, centre: form.centred === true, epsilon: form.epsilon ?? 0, ...affine };
}

export function findNorms(nodes: readonly FileNode[], outputs: readonly Id[], constant: (id: Id) => Constant | undefined): Found {
  const finder = new Finder(constant);
  const candidates = new Map<number, Norm>();
  for (const [i, { step, outputs: made }] of nodes.entries()) {
    const [result, ...more] = made;
    const form = step && result !== undefined && more.length === 0 ? finder.form(step) : undefined;
    if (!form || result === undefined) continue;
    if (!step?.clamped) finder.keep(result, form);
    const norm = normOf(form);
    if (norm) candidates.set(i, norm);
  }
  const norms = new Map<number, Norm>();
  const dropped = new Set<number>();
  if (candidates.size === 0) return { norms, dropped };
  const wanted = new Set<Id>(outputs);
  const before = new Set<Id>(outputs);
  for (const [i, node] of [...nodes.entries()].reverse()) {
    // nodes that were already unused in the file are not dropped
    const alive = node.outputs.length === 0 || node.outputs.some((id) => before.has(id));
    if (alive) for (const id of node.inputs) before.add(id);
    if (node.outputs.length > 0 && !node.outputs.some((id) => wanted.has(id))) {
      if (alive) dropped.add(i);
      continue;
    }
    const norm = candidates.get(i);
    if (norm) norms.set(i, norm);
    for (const id of norm ? [norm.input] : node.inputs) wanted.add(id);
  }
  return { norms, dropped };
}
