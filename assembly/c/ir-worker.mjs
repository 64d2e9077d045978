/**
 * Converts a module's functions to plain objects with binaryen, in a thread (for the reason see
 * assembly/emit/asc-worker.mjs). Plain JavaScript.
 *
 * In: workerData, a module from asc without optimisation, with names.  Out: posts functions and exports
 * (ir.ts), or { failed } with the reason. The passes that run fold constants and remove dead code. None
 * inlines, merges locals or moves code, so names and loops stay those of the source.
 */
import { parentPort, workerData } from 'node:worker_threads';
import binaryen from 'binaryen';

const passes = [
  ...[
    'precompute',
    'remove-unused-brs',
    'vacuum',
    'simplify-locals-notee-nostructure',
    'optimize-instructions',
    'precompute-propagate',
  ],
  ...[
    'vacuum',
    'dce',
    'simplify-locals-notee-nostructure',
    'merge-blocks',
    'vacuum',
    'remove-unused-names',
    'remove-unused-module-elements',
  ],
];

const typeNames = new Map([
  [binaryen.none, 'none'],
  [binaryen.unreachable, 'none'],
  [binaryen.i32, 'i32'],
  [binaryen.i64, 'i64'],
]);
const typeOf = (type) => {
  const name = typeNames.get(type);
  if (!name) throw new Error(`a value of type ${type} is neither i32 nor i64`);
  return name;
};

/** Names of operations by number. Unary and binary operations have separate numbers. */
const namesOf = (form) =>
  new Map(Object.entries(binaryen.Operations).flatMap(([name, value]) => (form.test(name) ? [[value, name]] : [])));
const unaryNames = namesOf(/^(Clz|Ctz|EqZ)Int(32|64)$|^Extend[SU]Int32$|^WrapInt64$|^ExtendS(8|16)Int32$/);
const binaryNames = namesOf(/^(Add|Sub|Mul|And|Or|Xor|Shl|Eq|Ne|(Div|Rem|Shr|Lt|Le|Gt|Ge)[SU])Int(32|64)$/);
const opName = (names, op) => {
  const name = names.get(op);
  if (!name) throw new Error(`operation ${op} has no form in C here`);
  return name;
};

const ids = binaryen.ExpressionIds;
const kindOf = new Map(Object.entries(ids).map(([name, id]) => [id, name]));

function nodeOf(ref) {
  // a nop has no information
  if (binaryen.getExpressionId(ref) === ids.Nop) return { kind: 'block', type: 'none', body: [] };
  const e = binaryen.getExpressionInfo(ref);
  const list = (refs) => refs.map(nodeOf);
  const maybe = (r) => (r ? nodeOf(r) : undefined);
  const type = () => typeOf(e.type);
  switch (e.id) {
    case ids.Block:
      return { kind: 'block', name: e.name ?? undefined, type: type(), body: list(e.children) };
    case ids.If: {
      const [condition, then, otherwise] = [nodeOf(e.condition), nodeOf(e.ifTrue), maybe(e.ifFalse)];
      return { kind: 'if', type: type(), condition, then, otherwise };
    }
    case ids.Loop:
      return { kind: 'loop', name: e.name ?? undefined, type: type(), body: nodeOf(e.body) };
    case ids.Break:
      return { kind: 'br', name: e.name, type: type(), condition: maybe(e.condition), value: maybe(e.value) };
    case ids.Call:
      return { kind: 'call', target: e.target, type: type(), args: list(e.operands) };
    case ids.LocalGet:
      return { kind: 'get', index: e.index, type: type() };
    case ids.LocalSet:
      return { kind: 'set', index: e.index, tee: e.isTee, type: type(), value: nodeOf(e.value) };
    case ids.GlobalGet:
      throw new Error(`global ${e.name} is not constant`);
    case ids.Load:
      return {
        kind: 'load',
        type: type(),
        bytes: e.bytes,
        signed: e.isSigned,
        offset: e.offset,
        align: e.align,
        at: nodeOf(e.ptr),
      };
    case ids.Store: {
      const [at, value] = [nodeOf(e.ptr), nodeOf(e.value)];
      return {
        kind: 'store',
        type: 'none',
        of: typeOf(e.valueType),
        bytes: e.bytes,
        offset: e.offset,
        align: e.align,
        at,
        value,
      };
    }
    case ids.Const: {
      const { value } = e;
      const wide = typeof value === 'object' ? (BigInt(value.high) << 32n) | (BigInt(value.low) & 0xffffffffn) : value;
      return { kind: 'const', type: type(), value: type() === 'i64' ? BigInt.asIntN(64, BigInt(wide)) : value | 0 };
    }
    case ids.Unary:
      return { kind: 'unary', type: type(), op: opName(unaryNames, e.op), value: nodeOf(e.value) };
    case ids.Binary:
      return { kind: 'binary', type: type(), op: opName(binaryNames, e.op), left: nodeOf(e.left), right: nodeOf(e.right) };
    case ids.Select: {
      const [then, otherwise, condition] = [nodeOf(e.ifTrue), nodeOf(e.ifFalse), nodeOf(e.condition)];
      return { kind: 'select', type: type(), then, otherwise, condition };
    }
    case ids.Drop:
      return { kind: 'drop', type: 'none', value: nodeOf(e.value) };
    case ids.Return:
      return { kind: 'return', type: 'none', value: maybe(e.value) };
    default:
      throw new Error(`${kindOf.get(e.id) ?? `expression ${e.id}`} has no form in C here`);
  }
}

function functionOf(ref) {
  const f = binaryen.getFunctionInfo(ref);
  const params = binaryen.expandType(f.params).map(typeOf);
  const types = [...params, ...f.vars.map(typeOf)];
  const { hasLocalName, getLocalName } = binaryen.Function;
  const locals = types.map((type, i) => ({ type, name: hasLocalName(ref, i) ? getLocalName(ref, i) : undefined }));
  return {
    name: f.name,
    base: f.base || undefined,
    params: params.length,
    result: typeOf(f.results),
    locals,
    body: f.base ? undefined : nodeOf(f.body),
  };
}

try {
  binaryen.setDebugInfo(true);
  const module = binaryen.readBinary(workerData);
  module.runPasses(passes);
  const functions = Array.from({ length: module.getNumFunctions() }, (_, i) => functionOf(module.getFunctionByIndex(i)));
  const exports = Array.from({ length: module.getNumExports() }, (_, i) => binaryen.getExportInfo(module.getExportByIndex(i)));
  parentPort.postMessage({
    functions,
    exports: exports.filter((x) => x.kind === binaryen.ExternalFunction).map(({ name, value }) => ({ name, value })),
  });
} catch (error) {
  parentPort.postMessage({ failed: String(error?.message ?? error) });
}
