/**
 * Streams of people that a network was not trained on, with its answers, for `npm run eval:select`.
 *
 * In: recordings of har (har-recordings.ts) and clips of kws (kws-clips.ts), the networks of their folds.
 * Out: windows with scores and truth, by fold and person. har has a window every hop; its truth is the label
 * in the middle of the window. kws has a window at the end of each clip. All answers are int8, streamed.
 */
import { uniform } from '../../models/xorshift.ts';
import { type Device, frameOf, folds as harFolds, hop, rateHz, readSubjects } from './har-recordings.ts';
import { type Clip, clipSamples, folds as kwsFolds, labels as kwsLabels, readClips } from './kws-clips.ts';
import { rateHz as kwsRateHz, openSound, readFloat as readKws, toInt8 as toKwsInt8 } from './kws-model.ts';
import { shuffled } from './shuffled.ts';
import { moduleScores, openInt8, readFloat, toInt8, zooArray } from './zoo.ts';

export interface StreamWindow {
  /** Probability of each class. */
  scores: Float32Array;
  truth: number;
}

/** Windows of each person of a fold, in the order of time. */
export type Fold = StreamWindow[][];

export interface Streams {
  name: string;
  classes: readonly string[];
  /** Time from one window to the next. */
  stepMs: number;
  folds: Fold[];
  /** Number of persons of the fold that a stream of one seed has. */
  persons: (fold: Fold) => number;
}

/** Reads har. A stream has three of the four persons of a fold. */
export async function harStreams(folder: string, device: Device): Promise<Streams> {
  const subjects = readSubjects(folder, device);
  const calibration = zooArray('har', `calib-${device}.npy`).data as Float32Array;
  const folds: Fold[] = [];
  for (let fold = 0; fold < harFolds; fold++) {
    const graph = await readFloat('har', `folds/${device}-${fold}.onnx`);
    const { session } = await openInt8(toInt8(graph, hop, calibration), { hop });
    folds.push(
      subjects
        .filter((s) => s.fold === fold)
        .map(({ signal, labels }) =>
          moduleScores(session, signal).map((scores, n) => ({ scores, truth: labels[frameOf(n)] as number })),
        ),
    );
  }
  const classes = ['seated', 'standing up', 'walking', 'turning', 'sitting down'];
  return { name: `har-${device}`, classes, stepMs: (1000 * hop) / rateHz, folds, persons: (fold) => fold.length - 1 };
}

/** Runs the clips of one fold through one module, as one signal, in a random order. */
async function kwsFold(clips: readonly Clip[], fold: number): Promise<Fold> {
  const { session } = await openSound(toKwsInt8(await readKws(`folds/fold-${fold}.onnx`)));
  const clipHops = clipSamples / session.hop;
  const order = shuffled(clips.length, uniform(7));
  const people = new Map<string, StreamWindow[]>();
  const onOutput = (n: number) => {
    const clip = clips[order[n / clipHops] ?? -1];
    if (!clip) return;
    const mine = people.get(clip.speaker) ?? [];
    people.set(clip.speaker, mine);
    mine.push({ scores: Float32Array.from(session.output()), truth: clip.label });
  };
  for (const index of order) session.pushAll((clips[index] as Clip).pcm, onOutput);
  return [...people.values()];
}

/** Reads kws. A stream has half of the speakers of a fold. */
export async function kwsStreams(folder: string): Promise<Streams> {
  const clips = readClips(folder);
  const folds: Fold[] = [];
  for (let fold = 0; fold < kwsFolds; fold++)
    folds.push(
      await kwsFold(
        clips.filter((c) => c.fold === fold),
        fold,
      ),
    );
  const stepMs = (1000 * clipSamples) / kwsRateHz;
  return { name: 'kws', classes: kwsLabels, stepMs, folds, persons: (fold) => Math.ceil(fold.length / 2) };
}

/**
 * The stream of a seed: some persons of fold `seed` modulo the folds, one after the other in random order.
 */
export function streamOf({ folds, persons }: Streams, seed: number, draw: () => number): StreamWindow[] {
  const fold = folds[seed % folds.length] as Fold;
  return shuffled(fold.length, draw)
    .slice(0, persons(fold))
    .flatMap((person) => fold[person] as StreamWindow[]);
}
