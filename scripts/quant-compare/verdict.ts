/**
 * The rules of the comparison of quantisers.
 *
 * In: metrics in points (%), per network and calibration draw.  Out: for each rule whether it holds, and
 * where it fails.
 *
 * 1. Over all networks and draws, the mean loss of `good` is at most 0.1 points or half of the loss of
 * onnxruntime's best method, whichever is larger.
 * 2. On each network, in the mean over draws, `good` is behind onnxruntime's best method by at most 0.2
 * points or two windows, whichever is larger.
 * 3. On every friendly form, in the mean over draws, `best` is within 0.3 points of float.
 *
 * Two further results are only reported: rule 1 for each network, and rule 2 for each draw. No quantiser can
 * keep these everywhere, because with any rounding two or three of a few hundred windows change their class
 * by chance.
 */
export interface Row {
  name: string;
  friendly: boolean;
  windows: number;
  float: number;
  /** Per draw: fast, good, best. */
  runlet: Record<'fast' | 'good' | 'best', number[]>;
  /** onnxruntime's method with the highest mean; absent if it is not installed. */
  peer?: { method: string; metric: number[] };
}

export interface Verdict {
  rule: string;
  holds: boolean;
  failures: string[];
  /** True: the rule is only reported. */
  aside?: boolean;
}

export const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;
const points = (x: number) => x.toFixed(2);

export function verdicts(rows: readonly Row[]): Verdict[] {
  const compared = rows.filter((r) => r.peer);
  const rule = (text: string, failures: string[]): Verdict => ({ rule: text, holds: failures.length === 0, failures });
  const first = compared.flatMap(({ name, float, runlet, peer }) => {
    const [ours, other] = [float - mean(runlet.good), float - mean(peer?.metric ?? [])];
    const allowed = Math.max(0.1, other / 2);
    return ours <= allowed + 1e-9 ? [] : [`${name}: loses ${points(ours)}, allowed ${points(allowed)}`];
  });
  const all = (of: (r: Row) => number) => mean(compared.map(of));
  const ours = all((r) => r.float - mean(r.runlet.good));
  const other = all((r) => r.float - mean(r.peer?.metric ?? []));
  const behindIn = (rowOf: Row) => (rowOf.peer?.metric ?? []).map((m, draw) => m - (rowOf.runlet.good[draw] as number));
  const allowedOf = ({ windows }: Row) => Math.max(0.2, 200 / windows);
  const second = compared.flatMap((r) => {
    const behind = mean(behindIn(r));
    return behind <= allowedOf(r) + 1e-9 ? [] : [`${r.name}: ${points(behind)} behind, allowed ${points(allowedOf(r))}`];
  });
  const inDraws = compared.flatMap((r) => {
    const allowed = allowedOf(r);
    return behindIn(r).flatMap((behind, draw) =>
      behind <= allowed + 1e-9 ? [] : [`${r.name}, draw ${draw}: ${points(behind)} behind, allowed ${points(allowed)}`],
    );
  });
  const third = rows
    .filter((r) => r.friendly)
    .flatMap(({ name, float, runlet }) => {
      const loss = float - mean(runlet.best);
      return loss <= 0.3 + 1e-9 ? [] : [`${name}: loses ${points(loss)}`];
    });
  const out = [rule('best is within 0.3 points of float on all friendly forms', third)];
  if (compared.length === 0) return out;
  const allowedOverall = Math.max(0.1, other / 2);
  return [
    rule(
      `the mean loss of good is at most the larger of 0.1 points and half of onnxruntime's loss: ${points(ours)} points, onnxruntime ${points(other)}`,
      ours <= allowedOverall + 1e-9 ? [] : [`allowed ${points(allowedOverall)}`],
    ),
    rule('on each network good is behind onnxruntime by at most 0.2 points or two windows', second),
    ...out,
    { ...rule('the first rule on each network', first), aside: true },
    { ...rule('the second rule in each draw', inDraws), aside: true },
  ];
}
