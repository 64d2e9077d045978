/**
 * The rules that the table of quantisers is judged by.
 *
 * In: metrics in points (%), per network and calibration draw.  Out: each rule with whether it holds, and where it does not.
 *
 * 1. `good` loses on average at most the larger of 0.1 points and half of what onnxruntime's best loses (over draws, per network).
 * 2. `good` is in no draw worse than onnxruntime's best by more than 0.2 points or two windows, whichever is more.
 * 3. `best` is, on average over draws, within 0.3 points of float on every friendly form.
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
  const second = compared.flatMap(({ name, windows, runlet, peer }) => {
    const allowed = Math.max(0.2, 200 / windows);
    return (peer?.metric ?? []).flatMap((m, draw) => {
      const behind = m - (runlet.good[draw] as number);
      return behind <= allowed + 1e-9 ? [] : [`${name}, draw ${draw}: ${points(behind)} behind, allowed ${points(allowed)}`];
    });
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
    rule('good loses at most the larger of 0.1 points and half of what onnxruntime loses, on each network', first),
    rule(
      `good loses so on the average of all networks: ${points(own)} points, onnxruntime ${points(other)}`,
      own <= mostOverall + 1e-9 ? [] : [`allowed ${points(mostOverall)}`],
    ),
    rule('good is in no draw behind onnxruntime by more than 0.2 points or two windows', second),
    ...out,
  ];
}
