/**
 * The rules that the table of quantisers is judged by.
 *
 * In: metrics in points (%), per network and calibration draw.  Out: each rule with whether it holds, and
 * where it does not.
 *
 * 1. `good` loses on average at most the larger of 0.1 points and half of what onnxruntime's best loses (over
 * networks and draws).
 * 2. `good` is on no network worse than onnxruntime's best by more than 0.2 points or two windows, whichever
 * is more (over draws).
 * 3. `best` is, on average over draws, within 0.3 points of float on every friendly form.
 *
 * Beside the rules it is told where the first does not hold for a network by itself, and the second not in a
 * draw: of some hundred windows two or three change sides by chance with any rounding, also onnxruntime's, so
 * that no quantiser keeps these everywhere.
 */
export interface Row {
  name: string;
  friendly: boolean;
  windows: number;
  float: number;
  /** Per draw: fast, good, best. */
  runlet: Record<'fast' | 'good' | 'best', number[]>;
  /** Of the method whose mean is highest; none where it is not installed. */
  peer?: { method: string; metric: number[] };
}

export interface Verdict {
  rule: string;
  holds: boolean;
  failures: string[];
  /** Told, not asked. */
  aside?: boolean;
}

export const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;
const points = (x: number) => x.toFixed(2);

export function verdicts(rows: readonly Row[]): Verdict[] {
  const compared = rows.filter((r) => r.peer);
  const rule = (text: string, failures: string[]): Verdict => ({ rule: text, holds: failures.length === 0, failures });
  const first = compared.flatMap(({ name, float, runlet, peer }) => {
    const [own, other] = [float - mean(runlet.good), float - mean(peer?.metric ?? [])];
    const allowed = Math.max(0.1, other / 2);
    return own <= allowed + 1e-9 ? [] : [`${name}: loses ${points(own)}, allowed ${points(allowed)}`];
  });
  const all = (of: (r: Row) => number) => mean(compared.map(of));
  const own = all((r) => r.float - mean(r.runlet.good));
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
  const mostOverall = Math.max(0.1, other / 2);
  return [
    rule(
      `good loses on average at most the larger of 0.1 points and half of what onnxruntime loses: ${points(own)} points, onnxruntime ${points(other)}`,
      own <= mostOverall + 1e-9 ? [] : [`allowed ${points(mostOverall)}`],
    ),
    rule('good is on no network behind onnxruntime by more than 0.2 points or two windows', second),
    ...out,
    { ...rule('the first on each network by itself', first), aside: true },
    { ...rule('the second in each draw by itself', inDraws), aside: true },
  ];
}
