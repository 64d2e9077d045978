/**
 * Lost frames of a source: where they are missing, and a signal without them.
 *
 * In: chunks in which a lost frame holds NaN, and the jumps of a time column.  Out: chunks of the frames that
 * are there, and a list of gaps.
 * Cost: a copy of each chunk; a list entry per gap.
 */

/** `frames` frames are missing before frame `at` of those that are there. */
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
  /** Lost frames of all gaps. */
  total = 0;

  /** Adds a gap; `at` must not fall. */
  add(at: number, frames: number): void {
    this.list.push({ at, frames, earlier: this.total });
    this.total += frames;
  }

  /**
   * How many of the frames that are there come before frame `frame` of the whole signal, lost ones counted.
   */
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
 * The frames of `frames` without those that hold a NaN.
 * @param jumps gaps between the frames of `frames`, where a time column knows them.
 * @param gaps filled with all gaps before the chunk that follows them is given; a last one after the last
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
