/**
 * How right a run is, where the signal comes with what is in it.
 *
 * In: what was found and what is there.  Out: counts, and a short text. A finding is right if its label is
 * that of something it lies in or near, each used once; an answer of a state is right if it is the state of
 * its time; a quantity has the mean of its absolute errors.
 */
import type { Detection } from '../session/index.ts';
import type { History } from './history.ts';
import type { Said } from './protocol.ts';
import type { Reading } from './reading.ts';

/** Seconds before the start and after the end of what is there in which a finding of it counts. */
export interface Tolerance {
  earlyS: number;
  lateS: number;
}

export interface Matched {
  /** What was found. */
  right: Set<Said>;
  /** What is over and was not found. */
  missed: Set<Said>;
  /** Findings of what is not there. */
  wrong: Set<Detection>;
}

/** @param fromS @param endS what lies before or after may be found, and is not missed. */
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

/** The state at a time; undefined where the script has none. */
export const stateAt = (said: readonly Said[], timeS: number): string | undefined =>
  said.find(({ start, end }) => timeS >= start && timeS < end)?.word;

/** Index of the largest value of a record. */
export function strongest(values: ArrayLike<number>): number {
  let best = 0;
  for (let e = 1; e < values.length; e++) if ((values[e] as number) > (values[best] as number)) best = e;
  return best;
}

/** Answers whose strongest value is the state of their time, of those whose time has one. */
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

/**
 * Mean absolute error of value 0 against a truth with a value each `stepS` seconds, `delayS` before the end
 * of the window; undefined where there is none.
 */
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
