/**
 * Scores a run against the truth of its signal.
 *
 * In: detections or outputs, and the truth.  Out: counts or an error. A detection is right if it lies in or
 * near an entry of the script with the same label; each entry counts once. A state is right if it is the true
 * state at its time. A quantity is scored by its mean absolute error.
 */
import type { Detection } from '../session/index.ts';
import type { History } from './history.ts';
import type { Said } from './protocol.ts';
import type { Reading } from './reading.ts';

/** Seconds before the start and after the end of an entry within which its detection counts. */
export interface Tolerance {
  earlyS: number;
  lateS: number;
}

export interface Matched {
  /** Entries that were detected. */
  right: Set<Said>;
  /** Entries that have passed undetected. */
  missed: Set<Said>;
  /** Detections without an entry. */
  wrong: Set<Detection>;
}

/** Matches detections to entries. @param fromS @param endS entries outside this range are never missed. */
export function matched(
  said: readonly Said[],
  heard: readonly Detection[],
  [fromS, endS]: [number, number],
  { earlyS, lateS }: Tolerance,
): Matched {
  const free = new Set(heard);
  const [right, missed] = [new Set<Said>(), new Set<Said>()];
  for (const one of said) {
    const found = [...free].find(
      ({ label, timeMs }) => label === one.word && timeMs / 1000 >= one.start - earlyS && timeMs / 1000 <= one.end + lateS,
    );
    if (found) {
      free.delete(found);
      right.add(one);
    } else if (one.start >= fromS && one.end + lateS < endS) missed.add(one);
  }
  return { right, missed, wrong: free };
}

/** State of the script at a time; undefined if it has none. */
export const stateAt = (said: readonly Said[], timeS: number): string | undefined =>
  said.find(({ start, end }) => timeS >= start && timeS < end)?.word;

/** Index of the largest value of a record. */
export function strongest(values: ArrayLike<number>): number {
  let best = 0;
  for (let e = 1; e < values.length; e++) if ((values[e] as number) > (values[best] as number)) best = e;
  return best;
}

/** Counts the outputs at times with a state, and those whose strongest class is that state. */
export function rightStates({ outputs, times }: History, { names }: Reading, said: readonly Said[], delayS: number) {
  let [right, judged] = [0, 0];
  for (let i = times.first; i < times.end; i++) {
    const state = stateAt(said, times.at(i) - delayS);
    if (state === undefined) continue;
    judged++;
    if (names[strongest(outputs.record(i))] === state) right++;
  }
  return { right, judged };
}

/** Mean absolute error of value 0 against the truth, `delayS` before the window's end; undefined if none. */
export function meanError(
  { outputs, times }: History,
  truth: { values: Float32Array; stepS: number },
  delayS: number,
): number | undefined {
  let [sum, judged] = [0, 0];
  for (let i = times.first; i < times.end; i++) {
    const real = truth.values[Math.min(truth.values.length - 1, Math.max(0, Math.round((times.at(i) - delayS) / truth.stepS)))];
    if (real === undefined || Number.isNaN(real)) continue;
    sum += Math.abs(outputs.at(i) - real);
    judged++;
  }
  return judged > 0 ? sum / judged : undefined;
}
