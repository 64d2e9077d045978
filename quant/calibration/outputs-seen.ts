/**
 * OutputsSeen: statistics of the float model's outputs in calibration. They show whether all windows give the
 * same output.
 *
 * In: values of the graph's outputs, window by window.  Out: per output the number of classes that won, and
 * the relative change of its values.
 */
import type { Graph } from '../../models/graph/types.ts';
import { viewOf } from '../../models/graph/view.ts';

interface Seen {
  name: string;
  frame: number;
  classes: Set<number>;
  windows: number;
  low: Float64Array;
  high: Float64Array;
}

export class OutputsSeen {
  private readonly outputs = new Map<number, Seen>();

  constructor(graph: Graph) {
    for (const { tensor, name } of graph.outputs) {
      const frame = viewOf(graph).frame(tensor);
      const [low, high] = [
        new Float64Array(frame).fill(Number.POSITIVE_INFINITY),
        new Float64Array(frame).fill(Number.NEGATIVE_INFINITY),
      ];
      this.outputs.set(tensor, { name, frame, classes: new Set(), windows: 0, low, high });
    }
  }

  add(tensor: number, values: Float32Array): void {
    const seen = this.outputs.get(tensor);
    if (!seen) return;
    const { frame, low, high } = seen;
    for (let at = 0; at + frame <= values.length; at += frame) {
      let best = 0;
      for (let e = 0; e < frame; e++) {
        const v = values[at + e] as number;
        if (v > (values[at + best] as number)) best = e;
        if (v < (low[e] as number)) low[e] = v;
        if (v > (high[e] as number)) high[e] = v;
      }
      seen.classes.add(best);
      seen.windows++;
    }
  }

  /**
   * Returns for each output how many of its elements were the largest in some window (`winners`), and the
   * largest change of an element over the largest magnitude (`movement`).
   */
  all(): { name: string; elements: number; windows: number; winners: number; movement: number }[] {
    return [...this.outputs.values()].map(({ name, frame, classes, windows, low, high }) => {
      let [moved, reach] = [0, 0];
      for (let e = 0; e < frame && windows > 0; e++) {
        moved = Math.max(moved, (high[e] as number) - (low[e] as number));
        reach = Math.max(reach, Math.abs(low[e] as number), Math.abs(high[e] as number));
      }
      return { name, elements: frame, windows, winners: classes.size, movement: reach > 0 ? moved / reach : 0 };
    });
  }
}
