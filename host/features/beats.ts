/**
 * Finds beats in the scores of models/zoo/ecg, one answer after the other.
 *
 * In: scores [none, N, S, V, F] of answer j = 0, 1, ...  Out: the beats, each with its answer and its class,
 * 5 answers later.
 *
 *     sums[j][c]  = scores[j-1][c] + scores[j][c] + scores[j+1][c]     c = N, S, V, F
 *     evidence[j] = the sum of sums[j] over c
 *
 * Scores are 0 before the first answer and after the last.
 *
 * Answer j is a beat if its evidence is above the threshold, above that of the answers j-4 .. j-1, and not
 * below that of j+1 .. j+4. So two beats are at least 5 answers (222 ms) apart. The class is the largest of
 * sums[j], with the sum of V times 1.5, which trades precision for sensitivity. beat-kinds.ts determines the
 * class better, from the signal and the patient's earlier beats.
 * Source: this project's own rule; models/zoo/ecg/beats.py applies it to a whole record.
 * Cost: about 40 additions per answer; a ring of 11 answers; it allocates only the beat.
 */

/** Number of answers before and after a beat that must not have more evidence. */
const near = 4;
/** Number of answers kept: those around a beat, and one more on either side. */
const kept = 2 * near + 3;

/** Factors on the sums of N, S, V and F before the largest is chosen. */
const weights = [1, 1, 1.5, 1];

export interface Beat {
  /** Index of the beat's answer. */
  readonly answer: number;
  /** 0 N, 1 S, 2 V, 3 F. */
  readonly beatClass: number;
  /** At most 3. */
  readonly evidence: number;
  /** Scores of N, S, V and F, each summed over this answer and its neighbours. */
  readonly sums: readonly number[];
}

export interface BeatFinder {
  /** Takes the scores of the next answer. @returns the beat 5 answers back, if there is one */
  push(scores: ArrayLike<number>): Beat | undefined;
  /** Ends the signal. @returns the beats in the last 5 answers */
  end(): Beat[];
}

/** Makes a finder. @param threshold evidence that a beat must exceed, 0 to 3; default 1.2. */
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

  /** Beat at an answer, if there is one. @param last newest answer with known evidence. */
  function beatAt(answer: number, last: number): Beat | undefined {
    if (answer < 0) return undefined;
    const centre = evidence[slot(answer)] as number;
    if (!(centre > threshold)) return undefined;
    for (let d = 1; d <= near; d++) {
      if (answer - d >= 0 && (evidence[slot(answer - d)] as number) >= centre) return undefined;
      if (answer + d <= last && (evidence[slot(answer + d)] as number) > centre) return undefined;
    }
    let best = 0;
    for (let c = 1; c < classes; c++) if (weighed(answer, c) > weighed(answer, best)) best = c;
    return { answer, beatClass: best, evidence: centre, sums: weights.map((_, c) => sumAt(answer, c)) };
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
