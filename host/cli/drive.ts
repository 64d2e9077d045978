/**
 * Feeds a source to a session: frames, gaps, pace, JSON lines.
 *
 * In: an open session and source, and the gaps of the source where a policy for them was given.  Out: lines
 * on stdout where there is no live line, everything else into the recorder; what the warm-up held back and
 * what was lost.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { RunletError } from '../../models/error.ts';
import type { Live } from '../report/live.ts';
import type { GapCount, Recorder, RunSummary } from '../report/recorder.ts';
import type { Detection, GapPolicy, LabelDetector, Session } from '../session/index.ts';
import type { Frames } from '../session/kinds.ts';
import type { GapList } from '../sources/gaps.ts';
import type { Source } from '../sources/index.ts';
import { output, print } from './args.ts';

const storedRanges = { int8: [-128, 127], uint8: [0, 255], int16: [-32768, 32767] } as const;
const arrays = { int8: Int8Array, uint8: Uint8Array, int16: Int16Array } as const;

/** Stored numbers of a source as the array that a port of one of these types takes. @throws RN708 */
function storedValues(chunk: Float32Array, type: keyof typeof arrays): Frames {
  const [min, max] = storedRanges[type];
  const bad = chunk.find((x) => !Number.isInteger(x) || x < min || x > max);
  if (bad !== undefined)
    throw new RunletError('RN708', {
      what: `${bad} is no ${type}`,
      where: 'source',
      why: `the model takes ${type}, whole numbers from ${min} to ${max}`,
      tryThis: 'give quantised values, or --real for real ones',
    });
  return arrays[type].from(chunk);
}

/** The shortest number that is the same float32: 0.1, not 0.10000000149011612. */
export function shortFloat(x: number): number {
  for (let digits = 6; digits < 9; digits++) {
    const short = Number(x.toPrecision(digits));
    if (Math.fround(short) === x) return short;
  }
  return x;
}

/** Fields of the JSON line of the latest output; those of gaps only where there is something to say. */
function outputLine(session: Session, recorder: Recorder, rateHz: number | undefined, found: Detection | undefined) {
  const n = session.outputIndex;
  const { originFrame } = session;
  const startFrame = originFrame + n * session.hop;
  const endFrame = startFrame + session.window;
  const all = session.manifest.outputs.map((_, which) => Array.from(session.output(which), shortFloat));
  return {
    n,
    originFrame: originFrame || undefined,
    startFrame,
    endFrame,
    timeS: rateHz && endFrame / rateHz,
    output: all[0],
    outputs: all.length > 1 ? all : undefined,
    label: recorder.label(session.output()),
    heard: found?.label,
    probability: found && Number(found.probability.toFixed(4)),
    gapFrames: session.gapFramesInWindow || undefined,
    gapFramesInContext: session.gapFramesInContext || undefined,
  };
}

export interface RunParts {
  session: Session;
  source: Source<Float32Array | Float32Array[]>;
  recorder: Recorder;
  live?: Live;
  rateHz?: number;
  realtime?: boolean;
  /** Values are real, whatever the model takes. */
  real?: boolean;
  /** Outputs after which the run ends. */
  limit: number;
  gaps?: { policy: GapPolicy; list: GapList };
  /** Says at which outputs a word is heard. */
  detector?: LabelDetector;
}

/** Runs the whole source; JSON lines go to stdout where there is no live line. */
export async function drive(parts: RunParts): Promise<Pick<RunSummary, 'warmUp' | 'gaps'>> {
  const { session, source, recorder, live, rateHz, realtime, limit, gaps, detector } = parts;
  const { hop } = session;
  const hostFrames = (chunk: Float32Array, input: number): Frames => {
    const hostType = session.manifest.inputs[input]?.hostType ?? 'float32';
    // sound comes as real values, -1 to 1, from WAV files and PCM
    const isReal = parts.real || session.manifest.frontEndConfig;
    return hostType === 'float32' || isReal ? chunk : storedValues(chunk, hostType);
  };
  const start = performance.now();
  const found: GapCount | undefined = gaps && { policy: gaps.policy, count: 0, frames: 0, outputsLeftOut: 0 };
  let [hopMs, given, heldBack, lines] = [0, 0, 0, ''];

  /** The output that fell due. */
  const report = (): void => {
    if (recorder.count >= limit) return;
    const startFrame = session.originFrame + session.outputIndex * hop;
    const latest = session.output();
    recorder.output(latest, startFrame, startFrame + session.window, source.truth);
    const heard = detector?.push(session.output(detector.output), (1000 * (startFrame + session.window)) / (rateHz as number));
    if (heard) recorder.heard(heard.label);
    if (live && recorder.outputs[0]) live.output(recorder.label(latest), latest[0] as number, recorder.outputs[0]);
    if (!live) lines += `${JSON.stringify(outputLine(session, recorder, rateHz, heard))}\n`;
  };
  /** The gap before frame `given`, if there is one. */
  const bridge = (): void => {
    const gap = gaps?.list.list[found?.count ?? 0];
    if (!gaps || !found || gap?.at !== given) return;
    if (gaps.policy === 'reset') {
      heldBack += session.warmUp.outputsHeldBack;
      detector?.reset();
    }
    found.count++;
    found.frames += gap.frames;
    found.outputsLeftOut += session.gap(gap.frames, gaps.policy, report).leftOut;
    recorder.gap(gap.frames);
    hopMs = 0; // the hop was broken
  };
  const flush = async (): Promise<void> => {
    live?.progress(session.originFrame + session.framesPushed);
    const text = lines;
    lines = '';
    if (text) await print(text);
  };

  for await (const chunk of source.frames) {
    const frames = Array.isArray(chunk) ? chunk.map(hostFrames) : hostFrames(chunk, 0);
    const count = session.framesIn(frames);
    for (let from = 0, take = 0; from < count; from += take) {
      bridge();
      if (recorder.count >= limit) break;
      // up to the next hop, so that a hop's time is that of one or more whole pushes, and up to the next gap
      const toGap = (gaps?.list.list[found?.count ?? 0]?.at ?? Number.POSITIVE_INFINITY) - given;
      take = Math.min(hop - (session.framesPushed % hop), count - from, toGap);
      if (realtime && rateHz) {
        const wait = start + (1000 * (session.originFrame + session.framesPushed + take)) / rateHz - performance.now();
        if (wait > 1) await sleep(wait);
      }
      const before = performance.now();
      const due = session.pushPart(frames, from, take);
      const ms = performance.now() - before;
      hopMs += ms;
      given += take;
      recorder.frames(Array.isArray(chunk) ? (chunk[0] as Float32Array) : chunk, from, take, ms);
      if (session.framesPushed % hop === 0) {
        recorder.hop(hopMs);
        hopMs = 0;
      }
      if (due) report();
      if (realtime) await flush();
      if (recorder.count >= limit) break;
    }
    await flush();
    if (recorder.count >= limit || output.closed) break;
  }
  if (recorder.count < limit && !output.closed) bridge();
  await flush();
  const { outputsHeldBack, framesLeft } = session.warmUp;
  return { warmUp: { outputsHeldBack: heldBack + outputsHeldBack, framesLeft }, gaps: found };
}
