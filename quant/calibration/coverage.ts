/**
 * Chooses the windows of a long signal that cover it best, and measures how well they cover it.
 *
 * In: features of windows: minimum, maximum, mean and deviation of each element of a frame.  Out: indexes of
 * windows. Rule (k-centre): take the windows with the extremes of every element, then repeatedly the window
 * that is farthest from all chosen ones, with features divided by their spread. The largest distance of a
 * window from a chosen one is then at most twice the optimum for this number of windows.
 * Source: Gonzalez 1985, "Clustering to minimize the maximum intercluster distance".  Cost: windows x chosen
 * x features.
 */
import { join, maxOf, minOf } from '../../models/lists.ts';
export interface WindowFeatures {
  /** Number of the window in the signal. */
  index: number;
  /** [low, high, mean, deviation] of each element, one element after the other. */
  values: Float32Array;
}

export interface Coverage {
  /** Share of an element's range that the chosen windows contain, 0 to 1: mean and minimum over elements. */
  chosen: { mean: number; least: number };
  /** The same for an equal number of windows drawn at random. */
  random: { mean: number; least: number };
}

/** Largest number of element groups with features of their own. In larger frames neighbours form a group. */
const maxGroups = 64;

/**
 * Returns the features of a window. @param inputs one array per input; @param elements of each input's frame
 */
export function featuresOf(index: number, inputs: readonly Float32Array[], elements: readonly number[]): WindowFeatures {
  const parts = inputs.map((values, i) => {
    const per = elements[i] as number;
    const groups = Math.min(maxGroups, per);
    const out = new Float32Array(4 * groups);
    const count = new Float64Array(groups);
    const sum = new Float64Array(groups);
    const squares = new Float64Array(groups);
    for (let g = 0; g < groups; g++) [out[4 * g], out[4 * g + 1]] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    for (let at = 0, e = 0; at < values.length; at++, e = e + 1 === per ? 0 : e + 1) {
      const g = per <= maxGroups ? e : Math.floor((e * groups) / per);
      const v = values[at] as number;
      if (v < (out[4 * g] as number)) out[4 * g] = v;
      if (v > (out[4 * g + 1] as number)) out[4 * g + 1] = v;
      sum[g] = (sum[g] as number) + v;
      squares[g] = (squares[g] as number) + v * v;
      count[g] = (count[g] as number) + 1;
    }
    for (let g = 0; g < groups; g++) {
      const mean = (sum[g] as number) / Math.max(1, count[g] as number);
      out[4 * g + 2] = mean;
      out[4 * g + 3] = Math.sqrt(Math.max(0, (squares[g] as number) / Math.max(1, count[g] as number) - mean * mean));
    }
    return out;
  });
  return { index, values: join(Float32Array, parts) };
}

/** Returns minimum and maximum of each element over all windows, as [low, high] pairs. */
export function reachOf(windows: readonly WindowFeatures[]): Float32Array {
  const elements = (windows[0]?.values.length ?? 0) / 4;
  const reach = new Float32Array(2 * elements);
  for (let e = 0; e < elements; e++) {
    reach[2 * e] = minOf(windows.map((w) => w.values[4 * e] as number));
    reach[2 * e + 1] = maxOf(windows.map((w) => w.values[4 * e + 1] as number));
  }
  return reach;
}

/** Returns features less their mean, divided by their spread over the windows, [window][feature]. */
export function standardised(windows: readonly WindowFeatures[], features: number): Float64Array {
  const points = new Float64Array(windows.length * features);
  for (let k = 0; k < features; k++) {
    let [sum, squares] = [0, 0];
    for (const { values } of windows) sum += values[k] as number;
    const mean = sum / windows.length;
    for (const { values } of windows) squares += ((values[k] as number) - mean) ** 2;
    const spread = Math.sqrt(squares / windows.length) || 1;
    for (let w = 0; w < windows.length; w++) points[w * features + k] = ((windows[w]?.values[k] as number) - mean) / spread;
  }
  return points;
}

/** Returns the squared distance of two windows, at most `limit`. */
export function nearer(points: Float64Array, features: number, a: number, b: number, limit: number): number {
  let sum = 0;
  for (let k = 0, i = a * features, j = b * features; k < features; k++, i++, j++) {
    const d = (points[i] as number) - (points[j] as number);
    sum += d * d;
    if (sum >= limit) return limit;
  }
  return sum;
}

/**
 * Chooses points so that no point is far from a chosen one: repeatedly the point that is farthest from all
 * chosen ones, of equal ones the first.
 * @param points [point][features]. @param first points to take before, in this order.
 * @returns `count` indexes in the order of their choice, or all if there are no more points.
 */
export function farthestFirst(points: Float64Array, features: number, count: number, first: Iterable<number> = []): number[] {
  const all = points.length / features;
  const chosen: number[] = [];
  const nearest = new Float64Array(all).fill(Number.POSITIVE_INFINITY);
  const take = (i: number) => {
    if (nearest[i] === -1 || chosen.length === count) return;
    chosen.push(i);
    for (let w = 0; w < all; w++) if (nearest[w] !== -1) nearest[w] = nearer(points, features, w, i, nearest[w] as number);
    nearest[i] = -1;
  };
  for (const i of first) take(i);
  while (chosen.length < Math.min(count, all)) {
    let farthest = 0;
    for (let w = 1; w < all; w++) if ((nearest[w] as number) > (nearest[farthest] as number)) farthest = w;
    take(farthest);
  }
  return chosen;
}

/** Returns the indexes of `count` windows that cover all `windows`, in the order of their choice. */
export function coverWindows(windows: readonly WindowFeatures[], count: number): number[] {
  if (windows.length <= count) return windows.map((_, i) => i);
  const features = windows[0]?.values.length ?? 0;
  const extremes = new Set<number>();
  for (let e = 0; e < features / 4 && extremes.size < count / 2; e++) {
    let [lowest, highest] = [0, 0];
    for (const [i, { values }] of windows.entries()) {
      if ((values[4 * e] as number) < (windows[lowest]?.values[4 * e] as number)) lowest = i;
      if ((values[4 * e + 1] as number) > (windows[highest]?.values[4 * e + 1] as number)) highest = i;
    }
    extremes.add(lowest).add(highest);
  }
  return farthestFirst(standardised(windows, features), features, count, extremes);
}

/** Returns the share of each element's range that is covered, without constant elements: mean and minimum. */
export function coverageOf(chosen: Float32Array, all: Float32Array): { mean: number; least: number } {
  const shares: number[] = [];
  for (let e = 0; e < all.length / 2; e++) {
    const span = (all[2 * e + 1] as number) - (all[2 * e] as number);
    if (span > 0) shares.push(((chosen[2 * e + 1] as number) - (chosen[2 * e] as number)) / span);
  }
  if (shares.length === 0) return { mean: 1, least: 1 };
  return { mean: shares.reduce((a, b) => a + b, 0) / shares.length, least: minOf(shares) };
}
