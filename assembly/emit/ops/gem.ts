/** gem: over the whole window at once, or accumulate / finish / rotate / fold if partial results are kept. */
import type { GemParams } from '../../../quant/ops/op.ts';
import { type At, zeros } from '../block.ts';
import { GemBlock } from '../blocks.ts';
import { foldFields } from './fold.ts';
import { callNamed, callOf, type EmitContext, type EmitOp, type StepIo } from './op.ts';
import { partsCalls } from './parts.ts';

/** Returns the words of 64-bit numbers, low word first, for a table. */
const wordsOf = (numbers: GemParams['tables']): Int32Array =>
  Int32Array.from([...numbers].flatMap((n) => [Number(BigInt.asIntN(32, n)), Number(n >> 32n)]));

function blockOf(io: StepIo<'gem'>, ctx: EmitContext): At<GemBlock> {
  const { params: p, partial, fold, out } = io;
  const [x] = io.x;
  const count = out.f * out.c;
  return ctx.block(GemBlock, {
    ...zeros(GemBlock),
    x: x?.address ?? 0,
    y: io.y,
    rows: x?.rows ?? 0,
    count,
    x_elements: (x?.shape.f ?? 0) * (x?.shape.c ?? 0),
    partials: partial?.address ?? 0,
    slot: partial?.slot ?? 0,
    slots: partial?.slots ?? 0,
    ...(fold && foldFields(fold, io.x)),
    channels: out.c,
    groups: ctx.table(Int8Array.from(p.groups)),
    tables: ctx.table(wordsOf(p.tables)),
    roots: ctx.table(wordsOf(p.roots)),
    sums: io.step.kind === 'run' || fold?.fold.shared ? ctx.work(8 * count) : 0,
  });
}

export const gem: EmitOp<'gem'> = {
  name: 'gem',
  rare: true,
  emit(io, ctx) {
    const block = blockOf(io, ctx);
    if (io.fold?.fold.shared) return partsCalls(io, io.fold, ctx, 'gem_parts_s8', block);
    const kind = io.fold?.fold.method === 'ring' ? 'ring' : io.step.kind;
    return [callNamed(kind === 'run' ? 'gem_s8' : `gem_${kind}_s8`, block)];
  },
  rotate: (io, ctx) => [callOf('gem_rotate_s8', blockOf(io, ctx))],
};
