/**
 * Chooses among the confirmed versions of a model: which one suits the present signal?
 *
 * In: labelled windows, each with its input statistics and a score per version (1 right, 0 wrong; or less the
 * error of a value); input statistics of the latest windows.  Out: the version of each mechanism, and the one
 * to recommend.
 * Mechanisms: `newest` has the highest sequence number. `lastK` is the best one on the last k labelled
 * windows. `nearest` is the best one on the labelled windows whose inputs are most like the latest ones,
 * however old they are: for each latest window, its nearest labelled ones.
 * Rule against noise (`better`): a version replaces the running one only if the windows on which they differ
 * favour it by more than chance (sign-test.ts). A lower bound would be exceeded too often, because the test
 * is repeated at every label. Of several such versions the largest difference counts.
 * Recommended: what `nearest` finds; else what `lastK` finds, unless the nearest windows speak against it.
 * Source: the thought that an older version may be the best again, and is found by the data it suits, is from
 * "Model recycling in AIOps" (2025).
 * Cost: latest x labelled windows x features.
 */
import { nearer, standardised, type WindowFeatures } from '../../quant/calibration/coverage.ts';
import { isBeyondChance } from './sign-test.ts';

export interface Version {
  /** Its digest. */
  id: string;
  sequence: number;
}

/** A labelled window with the scores of versions. Versions without an answer are absent. */
export interface ScoredWindow {
  /** Higher is better. Only the order of two scores counts. */
  scores: Readonly<Record<string, number>>;
  /** Statistics of its input (quant/calibration/coverage.ts, featuresOf); undefined if they are unknown. */
  features?: WindowFeatures;
}

export interface ChoiceOptions {
  /** Labelled windows that `lastK` looks at. Default: 50. */
  k?: number;
  /** Labelled windows among which `nearest` searches, the latest ones. Default: 1000. */
  history?: number;
  /** Nearest labelled windows of each latest window. Default: 3. */
  each?: number;
}

const defaults: Required<ChoiceOptions> = { k: 50, history: 1000, each: 3 };

export interface Choice {
  newest: string;
  lastK: string;
  /** Undefined if the statistics of the inputs are unknown. */
  nearest?: string;
  recommended: string;
  by: 'nearest' | 'lastK' | 'running';
  /** Windows on which the recommended version was better or worse than the running one. */
  wins: number;
  losses: number;
}

interface Contest {
  id: string;
  wins: number;
  losses: number;
}

/** Compares two versions on the windows that both answered. */
function contest(windows: readonly ScoredWindow[], id: string, running: string): Contest {
  let [wins, losses] = [0, 0];
  for (const { scores } of windows) {
    const [mine, theirs] = [scores[id], scores[running]];
    if (mine === undefined || theirs === undefined) continue;
    if (mine > theirs) wins++;
    else if (mine < theirs) losses++;
  }
  return { id, wins, losses };
}

/**
 * Returns the version that is better than the running one by more than chance; the running one if none is.
 */
export function better(windows: readonly ScoredWindow[], versions: readonly Version[], running: string): Contest {
  let best: Contest = { id: running, wins: 0, losses: 0 };
  for (const { id } of versions) {
    const found = contest(windows, id, running);
    const ahead = found.wins - found.losses;
    if (ahead > best.wins - best.losses && isBeyondChance(found.wins, found.losses)) best = found;
  }
  return best;
}

/** Returns the version with the highest sequence number. @param versions at least one */
export const newestOf = (versions: readonly Version[]): string =>
  versions.reduce((newest, one) => (one.sequence > newest.sequence ? one : newest)).id;

/**
 * Returns the labelled windows whose inputs are most like the latest ones, without repetition.
 * @param latest statistics of the latest windows, labelled or not. @param each windows for each of them
 */
export function likeLatest(
  windows: readonly ScoredWindow[],
  latest: readonly WindowFeatures[],
  each: number = defaults.each,
): ScoredWindow[] {
  const features = latest[0]?.values.length ?? 0;
  const fits = (one: WindowFeatures | undefined): one is WindowFeatures => one?.values.length === features;
  const known = windows.filter((one) => fits(one.features));
  const now = latest.filter(fits);
  if (known.length === 0 || now.length === 0) return [];
  const points = standardised([...known.map((one) => one.features as WindowFeatures), ...now], features);
  const found = new Set<ScoredWindow>();
  for (let n = 0; n < now.length; n++) {
    const nearest: { distance: number; one: ScoredWindow }[] = [];
    for (const [w, one] of known.entries()) {
      const limit = nearest.length < each ? Number.POSITIVE_INFINITY : (nearest.at(-1)?.distance as number);
      const distance = nearer(points, features, known.length + n, w, limit);
      if (!(distance < limit)) continue;
      const at = nearest.findIndex((other) => other.distance > distance);
      nearest.splice(at < 0 ? nearest.length : at, 0, { distance, one });
      if (nearest.length > each) nearest.pop();
    }
    for (const { one } of nearest) found.add(one);
  }
  return [...found];
}

/**
 * Chooses a version.
 * @param windows labelled windows, the oldest first. @param latest statistics of the latest windows.
 * @param versions the running one and those that could run instead.
 */
export function chooseVersion(
  versions: readonly Version[],
  running: string,
  windows: readonly ScoredWindow[],
  latest: readonly WindowFeatures[],
  options: ChoiceOptions = {},
): Choice {
  const { k, history, each } = { ...defaults, ...options };
  const byLast = better(windows.slice(-k), versions, running);
  const alike = likeLatest(windows.slice(-history), latest, each);
  const byNearest = better(alike, versions, running);
  const against = contest(alike, byLast.id, running);
  const found =
    byNearest.id !== running
      ? { by: 'nearest' as const, ...byNearest }
      : byLast.id !== running && against.wins >= against.losses
        ? { by: 'lastK' as const, ...byLast }
        : { by: 'running' as const, id: running, wins: 0, losses: 0 };
  return {
    newest: newestOf(versions),
    lastK: byLast.id,
    ...(alike.length > 0 && { nearest: byNearest.id }),
    recommended: found.id,
    by: found.by,
    wins: found.wins,
    losses: found.losses,
  };
}
