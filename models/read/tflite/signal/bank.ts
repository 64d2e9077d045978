/**
 * readBank: reads the filter bank, and the mask of FFT bins before it.
 *
 * In: SignalEnergy and the operators after it: SignalFilterBank, or CAST, STRIDED_SLICE, CONCATENATION with
 * zeros, CAST and SignalFilterBank.
 * Out: a FilterBank without zero weights at the ends of its bands. SignalEnergy writes only bins
 * [start_index, end_index), so a band with weights on other bins is refused.
 */

import type { FilterBank } from '../../../frontend/types.ts';
import { append } from '../../../lists.ts';
import type { TfOperator } from '../model.ts';
import { type Chain, Mismatch } from './chain.ts';

/** Returns the bins [from, to) that are not set to zero, and the tensor after the mask. */
function maskOf(chain: Chain, energy: TfOperator, bins: number): { at: number; from: number; to: number; name: string } {
  const at = energy.outputs[0] as number;
  if (chain.next(at, energy.name).op.op !== 'CAST') return { at, from: 0, to: bins, name: energy.name };
  const cast = chain.expect(at, energy.name, 'CAST');
  chain.typed(cast, 'int32');
  const slice = chain.expect(cast.outputs[0] as number, cast.name, 'STRIDED_SLICE');
  const sliceOptions = chain.options(slice, 32);
  const [from, end, step] = [1, 2, 3].map((operand) => chain.int32s(slice, operand));
  const flags = [0, 1, 2, 3, 4].map((field) => (field < 2 ? 0 : (sliceOptions?.int32(field) ?? 0)));
  const masks = [sliceOptions?.int32(0) ?? 0, sliceOptions?.int32(1) ?? 0];
  if (from?.length !== 1 || end?.length !== 1 || step?.[0] !== 1 || flags.some((f) => f !== 0))
    throw new Mismatch(slice.name, 'a plain slice of bins is expected');
  const first = masks[0] ? 0 : (from[0] as number);
  const last = masks[1] ? bins : (end[0] as number);
  if (first < 0 || last > bins || first >= last || chain.elements(slice) !== last - first)
    throw new Mismatch(slice.name, `bins ${first} to ${last} of ${bins}`);
  const { op: concat, at: sliced } = chain.next(slice.outputs[0] as number, slice.name);
  if (concat.op !== 'CONCATENATION') throw new Mismatch(concat.name, `CONCATENATION is expected after ${slice.name}`);
  chain.used.add(concat);
  const joined = chain.options(concat, 10);
  if (chain.tensor(concat.outputs[0], concat).shape.length !== 1)
    throw new Mismatch(concat.name, 'bins along one dimension are expected');
  const position = concat.inputs.indexOf(sliced);
  let before = 0;
  for (const [i] of concat.inputs.entries()) {
    if (i === position) continue;
    const zeros = chain.int32s(concat, i);
    if (zeros.some((z) => z !== 0)) throw new Mismatch(concat.name, 'it joins numbers other than zero');
    if (i < position) before += zeros.length;
  }
  if (
    concat.inputs.lastIndexOf(sliced) !== position ||
    before !== first ||
    chain.elements(concat) !== bins ||
    (joined?.int8(1) ?? 0) !== 0
  )
    throw new Mismatch(concat.name, 'it does not put the bins back in their places');
  const back = chain.expect(concat.outputs[0] as number, concat.name, 'CAST', 0);
  chain.typed(back, 'uint32');
  return { at: back.outputs[0] as number, from: first, to: last, name: back.name };
}

/** Reads the filter bank after `energy`. @param bins number of FFT bins. @throws Mismatch */
export function readBank(chain: Chain, energy: TfOperator, bins: number): { bank: FilterBank; op: TfOperator; channels: number } {
  const computed = { from: chain.option(energy, 'start_index', 0, bins), to: chain.option(energy, 'end_index', 0, bins) };
  const mask = maskOf(chain, energy, bins);
  const op = chain.expect(mask.at, mask.name, 'CUSTOM SignalFilterBank');
  const channels = chain.option(op, 'num_channels', 1, 1024);
  const [weights, unweights, first, weightStarts, spans] = [1, 2, 3, 4, 5].map((operand) => chain.int16s(op, operand)) as [
    Int16Array,
    Int16Array,
    Int16Array,
    Int16Array,
    Int16Array,
  ];
  const wrong = (why: string) => new Mismatch(op.name, why);
  if ([first, weightStarts, spans].some((table) => table.length !== channels + 1) || chain.elements(op) !== channels)
    throw wrong(`its tables do not fit ${channels} channels`);
  const starts = new Int16Array(channels + 1);
  const widths = new Int16Array(channels + 1);
  const kept: [weight: number, unweight: number][] = [];
  for (let band = 0; band <= channels; band++) {
    const [bin, at, span] = [first[band], weightStarts[band], spans[band]] as [number, number, number];
    if (bin < 0 || at < 0 || span < 0 || at + span > Math.min(weights.length, unweights.length))
      throw wrong(`band ${band} lies outside its tables`);
    const pairs = Array.from(
      { length: span },
      (_, j) => [weights[at + j] as number, unweights[at + j] as number] as [number, number],
    );
    if (pairs.some(([w, u], j) => bin + j >= bins && (w !== 0 || u !== 0)))
      throw wrong(`band ${band} reads past the last of ${bins} bins`);
    // bins that were set to zero have no effect
    for (const [j, pair] of pairs.entries()) if (bin + j < mask.from || bin + j >= mask.to) pair[0] = pair[1] = 0;
    const counts = pairs.map(([w, u]) => w !== 0 || u !== 0);
    const [from, to] = [counts.indexOf(true), counts.lastIndexOf(true) + 1];
    if (to === 0) continue;
    if (pairs.some(([w, u]) => w < 0 || u < 0)) throw wrong(`band ${band} has negative weights`);
    if (bin + from < computed.from || bin + to > computed.to)
      throw wrong(
        `band ${band} reads bins ${bin + from} to ${bin + to - 1}, and ${energy.name} computes ${computed.from} to ${computed.to - 1}`,
      );
    starts[band] = bin + from;
    widths[band] = to - from;
    append(kept, pairs.slice(from, to));
  }
  return {
    bank: {
      starts,
      widths,
      weights: Int16Array.from(kept, ([w]) => w),
      unweights: Int16Array.from(kept, ([, u]) => u),
    },
    op,
    channels,
  };
}
