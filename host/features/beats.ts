/**
 * Beats out of the scores of models/zoo/ecg, one answer after the other.
 *
 * In: scores [none, N, S, V, F] of answer j = 0, 1, ...  Out: the beats, each with the answer that it is at
 * and its class, 5 answers later.
 *
 *     sums[j][c]  = scores[j-1][c] + scores[j][c] + scores[j+1][c]     c = N, S, V, F
 *     evidence[j] = the sum of sums[j] over c
 *
 * Scores are 0 before the first answer and after the last.
 *
 * A beat is at j where the evidence is above the threshold and no answer of j-4 .. j-1 has as much, none of
 * j+1 .. j+4 more: two beats are at least 5 answers (222 ms) apart. Its class has the largest of sums[j],
 * that of V times 1.5, which gives precision for sensitivity. beat-kinds.ts judges the class better: it has
 * the signal and the patient's beats before.
 * Source: this project's own rule; models/zoo/ecg/beats.py is the same over a whole record.
 * Cost: some 40 additions an answer; a ring of 10 answers; nothing is allocated but the beat.
 */

/** Answers before and after a beat that must not have more evidence. */
const near = 4;
/** Answers kept: 2 near + 1 with a neighbour each side. */
const kept = 2 * near + 3;

/** What the sums of N, S, V and F are multiplied with before the largest is taken. */
const weights = [1, 1, 1.5, 1];

export interface Beat {
  /** Index of the answer that the beat is at. */
  readonly answer: number;
  /** 0 N, 1 S, 2 V, 3 F. */
  readonly beatClass: number;
  /** At most 3. */
  readonly evidence: number;
  /** Scores of N, S, V and F, each summed over this answer and its neighbours. */
  readonly sums: readonly number[];
}

export interface BeatFinder {
  /** Takes the scores of the next answer; the beat that is 5 answers back, if one is there. */
  push(scores: ArrayLike<number>): Beat | undefined;
  /** The signal has ended: the beats that lie in the last 5 answers. */
  end(): Beat[];
}

/** @param threshold 0 to 3: how much evidence a beat has. */
export function beatFinder(threshold = 1.2): BeatFinder {
  const classes = 4;
  const scores = Array.from({ length: kept }, () => new Float64Array(classes));
  const evidence = new Float64Array(kept).fill(-1);
  let seen = 0;
  const slot = (answer: number) => ((answer % kept) + kept) % kept;
  const sumAt = (answer: number, c: number) => {
    let sum = 0;
    for (let n = Math.max(0, answer - 1); n <= answer + 1; n++) if (n < seen) sum += scores[slot(n)]?.[c] as number;
    return sum;
  };

  const weighed = (answer: number, c: number) => (weights[c] as number) * sumAt(answer, c);

  /** The beat at an answer whose evidence, and that of 4 on either side, is known. */
  function beatAt(answer: number, last: number): Beat | undefined {
    if (answer < 0) return undefined;
    const own = evidence[slot(answer)] as number;
    if (!(own > threshold)) return undefined;
    for (let d = 1; d <= near; d++) {
      if (answer - d >= 0 && (evidence[slot(answer - d)] as number) >= own) return undefined;
      if (answer + d <= last && (evidence[slot(answer + d)] as number) > own) return undefined;
    }
    let best = 0;
    for (let c = 1; c < classes; c++) if (weighed(answer, c) > weighed(answer, best)) best = c;
    return { answer, beatClass: best, evidence: own, sums: weights.map((_, c) => sumAt(answer, c)) };
  }

  function weigh(answer: number): void {
    let sum = 0;
    for (let c = 0; c < classes; c++) sum += sumAt(answer, c);
    evidence[slot(answer)] = sum;
  }

  return {
    push(next) {
      const into = scores[slot(seen)] as Float64Array;
      for (let c = 0; c < classes; c++) into[c] = next[c + 1] as number;
      seen++;
      if (seen < 2) return undefined;
      weigh(seen - 2);
      return beatAt(seen - 2 - near, seen - 2);
    },
    end() {
      const found: Beat[] = [];
      if (seen === 0) return found;
      weigh(seen - 1);
      for (let answer = seen - 1 - near; answer < seen; answer++) {
        const beat = beatAt(answer, seen - 1);
        if (beat) found.push(beat);
      }
      return found;
    },
  };
}
