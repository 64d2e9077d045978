/** The parameter block and calls of globalavg and globalmax. Helpers only, no operator. */
import type { At } from '../block.ts';
import { GlobalBlock, GlobalFoldBlock, GlobalSimdBlock } from '../blocks.ts';
import { foldFields } from './fold.ts';
import { typesSuffix } from './int16.ts';
import { type Call, callNamed, type EmitContext, type StepIo } from './op.ts';
import { partsCalls } from './parts.ts';

type GlobalIo = StepIo<'globalavg'> | StepIo<'globalmax'>;

/** Returns the fields of a block without partial results of a fold. */
function globalFields(io: GlobalIo): GlobalBlock {
  const { params: p, partial } = io;
  const [x] = io.x;
  return {
    x: x?.address ?? 0,
    y: io.y,
    rows: x?.rows ?? 0,
    count: io.out.f * io.out.c,
    x_elements: (x?.shape.f ?? 0) * (x?.shape.c ?? 0),
    partials: partial?.address ?? 0,
    slot: partial?.slot ?? 0,
    slots: partial?.slots ?? 0,
    min: p.min,
    max: p.max,
    y_zero: p.yZero,
    rule: p.rule === 'mean' ? 1 : 0,
    places: p.count,
    offset: p.count * p.xZero,
    mult: p.scale.multiplier,
    shift: p.scale.shift,
  };
}

/** Packs the block. `mac`, for simd: the block that finishes the sums. */
export function globalBlock(io: GlobalIo, ctx: EmitContext, mac?: number): At<GlobalBlock> {
  const fields = globalFields(io);
  if (io.fold) return ctx.block(GlobalFoldBlock, { ...fields, mac: mac ?? 0, ...foldFields(io.fold, io.x) });
  return mac === undefined ? ctx.block(GlobalBlock, fields) : ctx.block(GlobalSimdBlock, { ...fields, mac });
}

/** Returns the calls of a fold over parts of the window; undefined if the step is none. */
export function globalParts(op: 'globalavg' | 'globalmax', io: GlobalIo, ctx: EmitContext): Call[] | undefined {
  if (!io.fold?.fold.shared) return undefined;
  return partsCalls(io, io.fold, ctx, `${op}_parts_s8`, ctx.block(GlobalBlock, globalFields(io)));
}

/** Returns the call. `suffix`: end of the kernel's name, for a target. */
export function globalCall(op: 'globalavg' | 'globalmax', io: GlobalIo, block: At<GlobalBlock>, suffix = ''): Call {
  const { method } = io.fold?.fold ?? {};
  const kind = method === 'ring' || method === 'slide' ? method : io.step.kind;
  const name = kind === 'run' ? op : `${op}_${kind}`;
  const { types } = io.params;
  // partial sums have no type: accumulate depends only on the type of the input, finish on that of the output
  const kernelTypes =
    types && kind === 'accumulate' ? { x: types.x, y: types.x } : types && kind === 'finish' ? { x: types.y, y: types.y } : types;
  const plain = !kernelTypes || (kernelTypes.x === 'int8' && kernelTypes.y === 'int8');
  return callNamed(`${name}_${plain ? 's8' : typesSuffix(kernelTypes)}${suffix}`, block);
}
