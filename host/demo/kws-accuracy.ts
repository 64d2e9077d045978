/**
 * Finds the answers of one fold's network for the clips of held-out speakers.
 *
 * In: a float graph, the fold's clips.  Out: three answers per clip. `float` and `windowed` (int8) run on the
 * window of a single clip, with the front end reset before it. `streamed` (int8) takes all clips in a random
 * order as one signal through one module (front end and network); the answer is the output at the clip's end.
 */

import { build } from '../../assembly/build.ts';
import { fitFrontEnd } from '../../models/frontend/fit.ts';
import type { Graph } from '../../models/graph/types.ts';
import { executeStream } from '../../models/stream/execute.ts';
import { floatBlock, floatRunner } from '../../models/stream/float.ts';
import { planStream } from '../../models/stream/plan.ts';
import { uniform } from '../../models/xorshift.ts';
import { FrontEndReference } from '../../quant/frontend/reference.ts';
import { quantPlan } from '../../quant/plan.ts';
import { openSession } from '../session/index.ts';
import { type Clip, clipSamples } from './kws-clips.ts';
import { channels, frontEnd, hop, openSound, realRows, rows, toInt8 } from './kws-model.ts';
import { shuffled } from './shuffled.ts';

export interface Found {
  label: number;
  float: number;
  windowed: number;
  streamed: number;
}

/** Index of the highest score. */
export const highest = (scores: ArrayLike<number>): number => {
  let best = 0;
  for (let i = 1; i < scores.length; i++) if ((scores[i] as number) > (scores[best] as number)) best = i;
  return best;
};

/** Rows of a clip after a reset of the front end: int8 [49][40]. */
function freshRows(reference: FrontEndReference, pcm: Int16Array): Int8Array {
  const out = new Int8Array(rows * channels);
  let at = 0;
  reference.reset();
  reference.push(pcm, () => {
    out.set(reference.row, at);
    at += channels;
  });
  return out;
}

export async function judge(graph: Graph, clips: readonly Clip[]): Promise<Found[]> {
  const int8 = toInt8(graph);
  const reference = new FrontEndReference(frontEnd);
  // the same features in the steps of the int8 network's input
  const fitted = new FrontEndReference(fitFrontEnd(int8, frontEnd));
  const plan = planStream(graph, { hop: rows, mode: 'windowed' });
  const windowed = await openSession((await build(quantPlan(planStream(int8, { hop, mode: 'windowed' })))).wasm as BufferSource);
  const found = clips.map(({ pcm, label }): Found => {
    const [float] = [...executeStream(plan, floatBlock(plan, realRows(freshRows(reference, pcm))), floatRunner)];
    windowed.reset();
    let answer = -1;
    windowed.pushAll(freshRows(fitted, pcm), () => {
      answer = highest(windowed.output());
    });
    return { label, float: highest(float?.outputs[0] ?? []), windowed: answer, streamed: -1 };
  });

  const { session } = await openSound(int8);
  const clipHops = clipSamples / session.hop;
  const order = shuffled(clips.length, uniform(7));
  const onOutput = (n: number) => {
    const clip = order[n / clipHops];
    if (clip !== undefined) (found[clip] as Found).streamed = highest(session.output());
  };
  for (const index of order) session.pushAll((clips[index] as Clip).pcm, onOutput);
  if (found.some((f) => f.streamed < 0 || f.windowed < 0)) throw new Error('a clip has no answer');
  return found;
}
