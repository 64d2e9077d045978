/**
 * Separates the lost frames of a source from those that are present.
 *
 * In: chunks in which a lost frame contains NaN, and the gaps that a time column shows.
 * Out: chunks of the present frames, and a list of all gaps.
 * Cost: a copy of each chunk; a list entry per gap.
 */

/** A gap: `frames` frames are missing before present frame `at`. */
export interface Gap {
  at: number;
  frames: number;
}

interface Placed extends Gap {
  /** Frames lost in the gaps before this one. */
  earlier: number;
}

export class GapList {
  readonly list: Placed[] = [];
  /** Number of lost frames in all gaps. */
  total = 0;

  /** Adds a gap. @param at must not be smaller than in the call before. */
  add(at: number, frames: number): void {
    this.list.push({ at, frames, earlier: this.total });
    this.total += frames;
  }

  /** Returns the number of present frames before frame `frame` of the whole signal, with its lost frames. */
  before(frame: number): number {
    let [low, high] = [0, this.list.length]; // gaps that begin before `frame`
    while (low < high) {
      const middle = (low + high) >> 1;
      const gap = this.list[middle] as Placed;
      if (gap.at + gap.earlier < frame) low = middle + 1;
      else high = middle;
    }
    const last = this.list[low - 1];
    return last ? Math.max(last.at, frame - last.earlier - last.frames) : frame;
  }
}

const isLost = (chunk: Float32Array, from: number, to: number): boolean => {
  for (let i = from; i < to; i++) if (Number.isNaN(chunk[i])) return true;
  return false;
};

/**
 * Yields the frames of `frames` that contain no NaN.
 * @param jumps gaps between the frames of `frames` that a time column shows.
 * @param gaps receives all gaps: each before the chunk that follows it, and a gap at the end after the last
 * chunk.
 */
export async function* present(
  frames: AsyncIterable<Float32Array>,
  elements: number,
  jumps: GapList | undefined,
  gaps: GapList,
): AsyncGenerator<Float32Array> {
  let [row, kept, lost, next] = [0, 0, 0, 0];
  for await (const chunk of frames) {
    const out = new Float32Array(chunk.length);
    let length = 0;
    for (let from = 0; from < chunk.length; from += elements, row++) {
      for (; jumps?.list[next]?.at === row; next++) lost += jumps.list[next]?.frames ?? 0;
      if (isLost(chunk, from, from + elements)) {
        lost++;
        continue;
      }
      if (lost > 0) gaps.add(kept, lost);
      lost = 0;
      kept++;
      out.set(chunk.subarray(from, from + elements), length);
      length += elements;
    }
    if (length > 0) yield out.subarray(0, length);
  }
  if (lost > 0) gaps.add(kept, lost);
}
