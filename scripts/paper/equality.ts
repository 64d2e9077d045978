/**
 * Compares modes edge-exact and windowed, both in int8 WebAssembly. edge-exact has no deviation for
 * zero-padded weights.
 *
 * In: a network of the paper and a number of windows.  Out: the number of compared and of differing bytes, of
 * output and embedding.
 */

import { build } from '../../assembly/build.ts';
import { openSession } from '../../host/session/index.ts';
import { planStream } from '../../models/stream/plan.ts';
import { quantPlan } from '../../quant/plan.ts';
import { quantize } from '../../quant/quantize.ts';
import type { PaperNetwork } from './networks.ts';

export async function edgeExact(net: PaperNetwork, windows: number, seed = 1): Promise<{ bytes: number; differing: number }> {
  const { hop, channels } = net;
  const calibration = net.signal(net.window + 4 * hop, seed);
  const { graph } = quantize(net.graph, calibration, { hop, mode: 'windowed', preset: 'fast', noReport: true });
  const [exact, whole] = await Promise.all(
    (['edge-exact', 'windowed'] as const).map(async (mode) =>
      openSession((await build(quantPlan(planStream(graph, { hop, mode })))).wasm as BufferSource),
    ),
  );
  if (!exact || !whole) throw new Error('no session');
  const signal = net.signal(net.window + windows * hop, seed + 1);
  let bytes = 0;
  let differing = 0;
  for (let at = 0; at + hop * channels <= signal.length; at += hop * channels) {
    const frames = signal.subarray(at, at + hop * channels);
    const due = exact.push(frames);
    if (due !== whole.push(frames)) throw new Error('the two modes answer at different frames');
    if (!due) continue;
    for (const [which] of exact.manifest.outputs.entries()) {
      const [a, b] = [exact.outputRaw(which), whole.outputRaw(which)];
      bytes += a.length;
      for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) differing++;
    }
  }
  return { bytes, differing };
}
