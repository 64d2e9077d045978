/**
 * A stream whose condition comes back, and versions of a network made for each condition, for
 * `npm run eval:versions`.
 *
 * In: recordings of har (har-recordings.ts), the network of each fold.  Out: per fold, windows in every
 * condition, with their input statistics, truth, and the answer of every version. Conditions are made: each
 * changes the recorded signal of all people of a fold in the same way, as the temperature changes the gain
 * and offset of a sensor, and its noise. Values are clipped at the sensor's range. Versions are made from
 * signal without labels: five minutes in the condition, of people who are not in the stream. Mean and
 * deviation of each channel are brought to those of the same people in winter by the weights of the first
 * layer (w / gain, and a bias), and the network is quantised again on that signal. So a version is an
 * estimate, and does not know the condition's own numbers.
 */
import type { ConvAttrs, Graph } from '../../models/graph/types.ts';
import { draws } from '../../models/xorshift.ts';
import { featuresOf, type WindowFeatures } from '../../quant/calibration/coverage.ts';
import { argmax } from '../statistics.ts';
import { axes, type Device, folds, frameOf, hop, rateHz, readSubjects, window } from './har-recordings.ts';
import { moduleScores, openInt8, readFloat, toInt8, zooArray } from './zoo.ts';

/** A made condition: x becomes gain x + offset + noise, for each axis. */
interface Condition {
  name: string;
  gain: readonly number[];
  offset: readonly number[];
  /** Standard deviation of white noise, in the signal's units (g, 250 degrees/s). */
  noise: number;
}

/**
 * Choices: far enough apart that a version of one is clearly worse in another, or there is nothing to choose.
 */
export const conditions: readonly Condition[] = [
  { name: 'winter', gain: [1, 1, 1, 1, 1, 1], offset: [0, 0, 0, 0, 0, 0], noise: 0 },
  { name: 'summer', gain: [1.5, 0.7, 1.4, 1.8, 0.6, 1.6], offset: [0.5, -0.6, 0.4, 0.1, -0.1, 0.1], noise: 0.02 },
  { name: 'autumn', gain: [0.7, 1.3, 0.8, 0.7, 1.5, 0.6], offset: [-0.4, 0.3, -0.5, -0.1, 0.1, 0], noise: 0.05 },
];

export interface ConditionWindow {
  truth: number;
  /** Answer of each version: the one made for condition i is number i. */
  answers: number[];
  features: WindowFeatures;
}

/** Windows of one fold: [condition][person][window]. */
export type ConditionFold = ConditionWindow[][][];

/** Frames from which a version is made: five minutes, of several people. */
const madeFromFrames = 5 * 60 * rateHz;

/** Returns the signal as a sensor in this condition would give it, float32 [n][6]. */
function inCondition(signal: Float32Array, { gain, offset, noise }: Condition, seed: number): Float32Array {
  const draw = draws(seed);
  // Box and Muller 1958
  const normal = () => Math.sqrt(-2 * Math.log(1 - draw())) * Math.cos(2 * Math.PI * draw());
  return signal.map((x, i) => (gain[i % axes] as number) * x + (offset[i % axes] as number) + (noise > 0 ? noise * normal() : 0));
}

/** Returns mean and deviation of each channel. */
function momentsOf(signal: Float32Array): { mean: number; deviation: number }[] {
  const { values } = featuresOf(0, [signal], [axes]);
  return Array.from({ length: axes }, (_, c) => ({
    mean: values[4 * c + 2] as number,
    deviation: values[4 * c + 3] as number,
  }));
}

/**
 * Returns the network for a signal whose moments are `now` and not `before`: the first layer takes it back.
 */
function refitted(graph: Graph, before: ReturnType<typeof momentsOf>, now: ReturnType<typeof momentsOf>): Graph {
  const copy = structuredClone(graph);
  const attrs = copy.nodes[0]?.attrs as Partial<ConvAttrs> | undefined;
  if (!attrs?.weights || !attrs.outChannels) throw new Error('the first layer has no weights');
  const weights = attrs.weights.data as Float32Array;
  const bias = attrs.bias as Float32Array;
  const perOutput = weights.length / attrs.outChannels;
  for (let i = 0; i < weights.length; i++) {
    const [was, is] = [before[i % axes], now[i % axes]] as [{ mean: number; deviation: number }, { mean: number; deviation: number }]; // biome-ignore format: one line
    const gain = is.deviation / was.deviation;
    const w = (weights[i] as number) / gain;
    weights[i] = w;
    bias[Math.floor(i / perOutput)] = (bias[Math.floor(i / perOutput)] as number) + w * (gain * was.mean - is.mean);
  }
  return copy;
}

function windowsOf(signal: Float32Array, labels: Uint8Array, answers: number[][]): ConditionWindow[] {
  const count = (answers[0] as number[]).length;
  return Array.from({ length: count }, (_, n) => ({
    truth: labels[frameOf(n)] as number,
    answers: answers.map((one) => one[n] as number),
    features: featuresOf(n, [signal.subarray(n * hop * axes, (n * hop + window) * axes)], [axes]),
  }));
}

/** Reads all folds of a device, in every condition. */
export async function conditionFolds(folder: string, device: Device): Promise<ConditionFold[]> {
  const subjects = readSubjects(folder, device);
  const calibration = zooArray('har', `calib-${device}.npy`).data as Float32Array;
  const all: ConditionFold[] = [];
  for (let fold = 0; fold < folds; fold++) {
    const graph = await readFloat('har', `folds/${device}-${fold}.onnx`);
    const people = subjects.filter((s) => s.fold === fold);
    // a version is made from people whom the network knows, so that those of the stream stay apart
    const others = subjects.filter((s) => s.fold !== fold);
    const sample = others.flatMap(({ signal }) => [...signal.subarray(0, Math.floor(madeFromFrames / others.length) * axes)]);
    const before = momentsOf(Float32Array.from(sample));
    const sessions: Awaited<ReturnType<typeof openInt8>>['session'][] = [];
    for (const [c, condition] of conditions.entries()) {
      const made = inCondition(Float32Array.from(sample), condition, 1000 * fold + c);
      const version = c === 0 ? toInt8(graph, hop, calibration) : toInt8(refitted(graph, before, momentsOf(made)), hop, made);
      sessions.push((await openInt8(version, { hop })).session);
    }
    all.push(
      conditions.map((condition, c) =>
        people.map(({ signal, labels }, p) => {
          const seen = inCondition(signal, condition, 7 + 100 * fold + 10 * c + p);
          return windowsOf(
            seen,
            labels,
            sessions.map((session) => moduleScores(session, seen).map(argmax)),
          );
        }),
      ),
    );
  }
  return all;
}
