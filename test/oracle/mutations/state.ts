/**
 * Mutations of the state: variables, their readers and writers, and their initial values.
 *
 * In: an Edit.  Out: false if the mutation does not apply.
 */
import type { SubgraphOf, TensorOf } from '../file.ts';
import type { Edit, Mutation } from './edit.ts';

/** Returns the reads of two different variables with the same shape. */
function twoStates({ all, nameOf, outputOf, rng }: Edit) {
  const reads = rng.shuffled(all('READ_VARIABLE'));
  for (const a of reads)
    for (const b of reads)
      if (nameOf(a.inputs[0]) !== nameOf(b.inputs[0]) && outputOf(a).shape.join() === outputOf(b).shape.join()) return { a, b };
  return undefined;
}

const initValue = ({ init, rng }: Edit): TensorOf | undefined => {
  const assigns = init?.operators.filter((o) => o.op === 'ASSIGN_VARIABLE') ?? [];
  return assigns.length > 0 ? init?.tensors[rng.pick(assigns).inputs[1] ?? -1] : undefined;
};

export const stateMutations: Record<string, Mutation> = {
  'assign missing': (e) => {
    const assign = e.any('ASSIGN_VARIABLE');
    if (assign) e.remove(assign);
    return assign !== undefined;
  },
  'two writers': (e) => {
    const assign = e.any('ASSIGN_VARIABLE');
    if (!assign) return false;
    const known = e.before(assign);
    const others = e.sameShape(assign.inputs[1] as number).filter((id) => known.has(id));
    if (others.length === 0) return false;
    e.insert(assign, e.rng.pick(['before', 'behind']), 'ASSIGN_VARIABLE', [assign.inputs[0] as number, e.rng.pick(others)], []);
    return true;
  },
  'the same value written twice': (e) => {
    const assign = e.any('ASSIGN_VARIABLE');
    if (assign) e.insert(assign, 'behind', 'ASSIGN_VARIABLE', [...assign.inputs], []);
    return assign !== undefined;
  },
  'read again after the assign': (e) => {
    const assign = e.any('ASSIGN_VARIABLE');
    if (!assign) return false;
    const read = e.all('READ_VARIABLE').find((r) => e.nameOf(r.inputs[0]) === e.nameOf(assign.inputs[0]));
    if (!read) return false;
    const again = e.like(read.outputs[0] as number);
    const reader = e.insert(assign, 'behind', 'READ_VARIABLE', [assign.inputs[0] as number], [again]);
    const at = e.main.operators.indexOf(reader);
    const users = e.main.operators.filter((o, i) => i > at && o.inputs.some((id) => e.sameShape(again).includes(id)));
    if (users.length > 0) {
      const user = e.rng.pick(users);
      const i = e.rng.pick(user.inputs.flatMap((id, k) => (e.sameShape(again).includes(id) ? [k] : [])));
      user.inputs[i] = again;
    } else e.main.outputs.push(again);
    return true;
  },
  'a second reader before the assign': (e) => {
    const read = e.any('READ_VARIABLE');
    if (!read) return false;
    const again = e.like(read.outputs[0] as number);
    e.insert(read, 'behind', 'READ_VARIABLE', [read.inputs[0] as number], [again]);
    const users = e.readersOf(read.outputs[0] as number);
    if (users.length > 0 && e.rng.chance(0.5)) {
      const user = e.rng.pick(users);
      user.inputs = user.inputs.map((id) => (id === read.outputs[0] ? again : id));
    } else e.main.outputs.push(again);
    return true;
  },
  'read after the assign': (e) => {
    const read = e.any('READ_VARIABLE');
    const assign = read && e.all('ASSIGN_VARIABLE').find((a) => e.nameOf(a.inputs[0]) === e.nameOf(read.inputs[0]));
    if (!read || !assign) return false;
    e.remove(read);
    e.main.operators.splice(e.main.operators.indexOf(assign) + 1, 0, read);
    return true;
  },
  'assign of another tensor': (e) => {
    const assign = e.any('ASSIGN_VARIABLE');
    if (!assign) return false;
    const known = e.before(assign);
    const others = e.sameShape(assign.inputs[1] as number).filter((id) => known.has(id));
    if (others.length === 0) return false;
    assign.inputs[1] = e.rng.pick(others);
    return true;
  },
  'assign of the value read': (e) => {
    const assign = e.any('ASSIGN_VARIABLE');
    const read = assign && e.all('READ_VARIABLE').find((r) => e.nameOf(r.inputs[0]) === e.nameOf(assign.inputs[0]));
    if (!assign || !read) return false;
    assign.inputs[1] = read.outputs[0] as number;
    return true;
  },
  'assign of a constant': (e) => {
    const assign = e.any('ASSIGN_VARIABLE');
    if (!assign) return false;
    const like = e.inputOf(assign, 1);
    const data = new Uint8Array(like.shape.reduce((a, b) => a * b, 1)).fill(e.rng.int(0, 255));
    assign.inputs[1] = e.add({ ...structuredClone(like), name: 'constant state', data });
    return true;
  },
  'reads of two variables swapped': (e) => {
    const two = twoStates(e);
    if (!two) return false;
    [two.a.inputs, two.b.inputs] = [two.b.inputs, two.a.inputs];
    return true;
  },
  'reads the wrong variable': (e) => {
    const two = twoStates(e);
    if (!two) return false;
    two.a.inputs = [...two.b.inputs];
    return true;
  },
  'assigns of two variables swapped': (e) => {
    const two = twoStates(e);
    if (!two) return false;
    const [a, b] = [two.a, two.b].map((r) =>
      e.all('ASSIGN_VARIABLE').find((o) => e.nameOf(o.inputs[0]) === e.nameOf(r.inputs[0])),
    );
    if (!a || !b || e.inputOf(a, 1).shape.join() !== e.inputOf(b, 1).shape.join()) return false;
    [a.inputs[1], b.inputs[1]] = [b.inputs[1] as number, a.inputs[1] as number];
    return true;
  },
  'two variables with one name': (e) => {
    const two = twoStates(e);
    if (!two) return false;
    const [from, to] = [e.nameOf(two.a.inputs[0]), e.nameOf(two.b.inputs[0])];
    const graphs: (SubgraphOf | undefined)[] = e.rng.chance(0.5) ? [e.main] : [e.main, e.init];
    for (const g of graphs)
      for (const o of g?.operators ?? []) if (o.op === 'VAR_HANDLE' && o.options.sharedName === from) o.options.sharedName = to;
    return true;
  },
  'another name in one place': (e) => {
    const graph = e.rng.pick([e.main, e.init ?? e.main]);
    const handles = graph.operators.filter((o) => o.op === 'VAR_HANDLE');
    if (handles.length === 0) return false;
    const handle = e.rng.pick(handles);
    handle.options[e.rng.pick(['sharedName', 'sharedName', 'container'])] = e.rng.pick(['other', '']);
    return true;
  },
  'initial value changed': (e) => {
    const value = initValue(e);
    if (!value?.data) return false;
    if (e.rng.chance(0.5)) value.data.fill(e.rng.int(0, 255));
    else value.data[e.rng.int(0, value.data.length - 1)] = e.rng.int(0, 255);
    return true;
  },
  'initial value with another zero point': (e) => {
    const value = initValue(e);
    if (value?.quant) value.quant = { ...value.quant, zeroPoints: [e.rng.int(-128, 127)] };
    return value?.quant !== undefined;
  },
  'initialised twice': (e) => {
    const { init } = e;
    const assigns = init?.operators.filter((o) => o.op === 'ASSIGN_VARIABLE') ?? [];
    if (!init || assigns.length === 0) return false;
    const assign = e.rng.pick(assigns);
    const value = structuredClone(init.tensors[assign.inputs[1] ?? -1] as TensorOf);
    value.data?.fill(e.rng.int(0, 255));
    const id = init.tensors.push(value) - 1;
    const at = init.operators.indexOf(assign) + e.rng.int(0, 1);
    init.operators.splice(at, 0, { op: 'ASSIGN_VARIABLE', inputs: [assign.inputs[0] as number, id], outputs: [], options: {} });
    return true;
  },
  'initial value missing': (e) => {
    const assigns = e.init?.operators.filter((o) => o.op === 'ASSIGN_VARIABLE') ?? [];
    if (assigns.length === 0) return false;
    e.init?.operators.splice(e.init.operators.indexOf(e.rng.pick(assigns)), 1);
    return true;
  },
  'call once missing': (e) => {
    const call = e.any('CALL_ONCE');
    if (call) e.remove(call);
    return call !== undefined;
  },
  'call once to another subgraph': (e) => {
    const call = e.any('CALL_ONCE');
    if (!call) return false;
    const to = e.rng.pick(['main', 'none', 'empty', 'negative']);
    if (to === 'empty') e.file.subgraphs.push({ name: 'empty', tensors: [], operators: [], inputs: [], outputs: [] });
    call.options.subgraph = { main: 0, none: 7, empty: e.file.subgraphs.length - 1, negative: -1 }[to];
    return true;
  },
  'call once later': (e) => {
    const call = e.any('CALL_ONCE');
    if (!call) return false;
    e.remove(call);
    e.main.operators.splice(e.rng.int(1, e.main.operators.length), 0, call);
    return true;
  },
  'call once twice': (e) => {
    const call = e.any('CALL_ONCE');
    if (!call) return false;
    e.main.operators.splice(e.rng.int(1, e.main.operators.length), 0, structuredClone(call));
    return true;
  },
  'main assigned in the initialisation': (e) => {
    // An ASSIGN_VARIABLE before the READ_VARIABLE: every step starts again from zero points.
    const read = e.any('READ_VARIABLE');
    if (!read) return false;
    const { data: _, ...like } = structuredClone(e.outputOf(read));
    const data = new Uint8Array(like.shape.reduce((a, b) => a * b, 1)).fill(like.quant?.zeroPoints[0] ?? 0);
    const value = e.add({ ...like, name: 'zeros', data });
    e.insert(read, 'before', 'ASSIGN_VARIABLE', [read.inputs[0] as number, value], []);
    return true;
  },
};
