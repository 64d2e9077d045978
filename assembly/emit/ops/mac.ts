/**
 * What conv, depthwise and dense share on all targets: the order of weights, the layout of taps. Helpers
 * only, no operator.
 *
 * In: a step that computes whole outputs.  Out: shapes and properties of its layer.
 */
import type { EmitContext, MacIo, StepIo, TileShape } from './op.ts';

export const windowRule = ({ step: { rule } }: MacIo) => (rule.kind === 'window' ? rule : { stride: 1, dilation: 1 });

/** Checks whether the taps of every output position inside the input are one run of bytes. */
export function sideBySide(io: MacIo, dilation = windowRule(io).dilation): boolean {
  const { geometry: g, per } = io.params;
  const shape = io.x[0]?.shape ?? { t: 0, f: 0, c: 0 };
  const oneTap = g.kernelT * g.kernelF === 1;
  const alongT = g.kernelT === 1 || (dilation === 1 && g.kernelF === shape.f);
  const alongF = g.kernelF === 1 || (g.dilationF ?? 1) === 1;
  return (oneTap || per === shape.c) && alongT && alongF && g.padF[0] === 0 && g.padF[1] === 0;
}

export const isPadded = ({ step: { rule } }: MacIo): boolean => rule.kind === 'window' && (rule.pad[0] > 0 || rule.pad[1] > 0);

/** Returns the shape of weights [o][kt][kf][c / groups]. */
export function convShape({ params: { geometry: g, per }, x, out }: StepIo<'conv'>): TileShape {
  const taps = g.kernelT * g.kernelF * per;
  return { groups: (x[0]?.shape.c ?? per) / per, outputs: out.c, taps, at: (o, i) => o * taps + i };
}

/** Returns the shape of weights [o][t][f][c]. */
export function denseShape({ params: { per }, out }: StepIo<'dense'>): TileShape {
  return { groups: 1, outputs: out.c, taps: per, at: (o, i) => o * per + i };
}

/** Returns the shape of weights [kt][kf][o]. */
export const tapsFirst = ({ params: { geometry: g }, out }: StepIo<'depthwise'>): TileShape => ({
  groups: 1,
  outputs: out.c,
  taps: g.kernelT * g.kernelF,
  at: (o, i) => i * out.c + o,
});

/** Reserves the workspace of a call: bytes for its sums, then bytes for the taps that it copies. */
export function workspace(ctx: EmitContext, sums: number, patch: number): { patch: number; sums: number } {
  const at = ctx.work(sums + patch);
  return { patch: at + sums, sums: at };
}
