/** The parameter block and calls of globalavg and globalmax. Holds no operator. */
import * as B from '../../kernels/block.ts';
import { foldFields } from './fold.ts';
import { typesSuffix } from './int16.ts';
import type { Call, EmitContext, Fields, StepIo } from './op.ts';

type GlobalIo = StepIo<'globalavg'> | StepIo<'globalmax'>;

/** `more`: fields of one target. */
export function globalBlock(io: GlobalIo, ctx: EmitContext, more: Fields = []): number {
  const { params: p, partial } = io;
  const [x] = io.x;
  return ctx.block(io.fold ? B.FOLD_BYTES : more.length > 0 ? B.GLOBAL_SIMD_BYTES : B.GLOBAL_BYTES, [
    ...more,
    [B.X, x?.address ?? 0],
    [B.Y, io.y],
    [B.ROWS, x?.rows ?? 0],
    [B.COUNT, io.out.f * io.out.c],
    [B.X_ELEMENTS, (x?.shape.f ?? 0) * (x?.shape.c ?? 0)],
    [B.PARTIALS, partial?.address ?? 0],
    [B.SLOT, partial?.slot ?? 0],
    [B.SLOTS, partial?.slots ?? 0],
    [B.G_MIN, p.min],
    [B.G_MAX, p.max],
    [B.G_Y_ZERO, p.yZero],
    [B.G_RULE, p.rule === 'mean' ? 1 : 0],
    [B.G_COUNT, p.count],
    [B.G_OFFSET, p.count * p.xZero],
    [B.G_MULT, p.scale.multiplier],
    [B.G_SHIFT, p.scale.shift],
    ...(io.fold ? foldFields(io) : []),
  ]);
}

export function globalCalls(op: 'globalavg' | 'globalmax', io: GlobalIo, block: number): Call[] {
  const method = io.fold?.fold.method;
  const kind = method === 'ring' || method === 'slide' ? method : io.step.kind;
  const name = kind === 'run' ? op : `${op}_${kind}`;
  const call = { block, phase: io.step.kind === 'fold' };
  const { types } = io.params;
  // partial sums have no type: what adds to them depends on the input's alone, what finishes them on the output's
  const own =
    types && kind === 'accumulate' ? { x: types.x, y: types.x } : types && kind === 'finish' ? { x: types.y, y: types.y } : types;
  if (!own || (own.x === 'int8' && own.y === 'int8')) return [{ ...call, fn: `${name}_s8`, file: op }];
  return [{ ...call, fn: `${name}_${typesSuffix(own)}`, file: 'global-s16' }];
}
