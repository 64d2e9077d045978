/**
 * Cases of recurrent operators: a 1x1 convolution of an int8 input computes the gates, then the cell runs.
 */
import { type GruAttrs, kernelOfOne, type LstmAttrs, noClamp, type RecurrentAttrs } from '../../models/graph/types.ts';
import { gateParams, gatesOf } from '../../models/ops/recurrent.ts';
import { CaseGraph, type OpCase, q, type Size } from './case.ts';

export interface RecurrentSpec
  extends Partial<Pick<RecurrentAttrs, 'reverse' | 'slope' | 'fn'>>,
    Pick<LstmAttrs, 'clip' | 'cellPower'> {
  x: Size;
  units: number;
  resetAfter?: GruAttrs['resetAfter'];
  bias?: 'none';
  yq?: ReturnType<typeof q>;
  /** Factor of the gates' range; above 1 the gates saturate. */
  gain?: number;
  /** Number by which the gates' 12 fraction bits are reduced. */
  gateShift?: number;
  hop?: number;
  steps?: number;
}

export function recurrentCase(op: keyof typeof gatesOf, name: string, spec: RecurrentSpec): OpCase {
  const {
    x,
    units,
    reverse = false,
    slope,
    fn,
    clip,
    cellPower,
    resetAfter = true,
    bias,
    yq = q(1 / 127, 3),
    gain = 1,
    gateShift = 0,
  } = spec;
  const gatesQuant = { ...gateParams, scale: gateParams.scale * 2 ** gateShift };
  const g = new CaseGraph(`${op} ${name}`, x, q(0.05, -7));
  const outChannels = gatesOf[op] * units;
  const from = g.mac(g.x, gatesQuant, x[1] * x[2], outChannels, { gain: 60 * gain });
  const kernel = { ...kernelOfOne, kernelF: x[1] };
  const weights = { ...from.weights, scaleRule: 'gate' as const };
  const gates = g.b.node(
    'conv',
    [g.x],
    { ...kernel, groups: 1, outChannels, ...from, weights, clamp: noClamp },
    'gates',
    gatesQuant,
  );
  const data = Int8Array.from({ length: outChannels * units }, () => g.int(-127, 127));
  const scales = Float64Array.from({ length: outChannels }, () => Math.fround(g.int(4, 12) / 1000 / units));
  const recurrentBias = bias === 'none' ? null : Int32Array.from({ length: outChannels }, () => g.int(-9000, 9000));
  const attrs = {
    units,
    recurrent: { data, scales },
    recurrentBias,
    reverse,
    ...(slope !== undefined && { slope }),
    ...(fn && { fn }),
  };
  const own =
    op === 'lstm' ? { ...(clip !== undefined && { clip }), ...(cellPower !== undefined && { cellPower }) } : { resetAfter };
  return g
    .node(op, [gates], { ...attrs, ...own } as never, yq)
    .done(name, { steps: spec.steps ?? 3, ...(spec.hop && { hop: spec.hop }) });
}
