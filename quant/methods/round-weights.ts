/**
 * roundTogether: rounds each weight up or down so that the errors of an output cancel.
 *
 *     minimise (w' - w)^T C (w' - w),  w'_k = s q_k,  q_k = floor or ceil of w_k / s
 *
 * C is the covariance of the inputs; bias correction handles their mean. Without bias correction C is E[x
 * x^T]. Coordinate descent starts from the nearest rounding: with r = C (w' - w) the best step of weight k is
 * -r_k / C_kk, rounded. No step increases the error (C with its damped diagonal), so on the calibration data
 * the result is never worse than the nearest rounding.
 *
 * This is the objective of AdaRound, layer by layer, but not its whole method. C comes from the float network
 * (AdaRound's code may use the network quantised so far), and a clamp behind the layer is ignored. Each
 * output of up to 1,024 inputs is solved separately, which is exact: the objective has no term of two
 * outputs.
 * Source: Nagel et al. 2020, arXiv 2004.10568 (the objective, equation 20, and up-or-down as its domain);
 * Behdin et al. 2023, arXiv 2309.01885 (cyclic coordinate descent for it, instead of a gradient relaxation).
 * Cost: sweeps x K^2 an output.
 */
import { clampInt, roundHalfAway } from '../fixed-point.ts';

/**
 * Added to C's diagonal, as a share of its mean. It stops large errors of weights whose input is almost 0.
 */
const damping = 0.01;
const maxSweeps = 8;

/**
 * Rounds the weights of one output.
 * @param w float weights, [k]  @param covariance [k][k]  @param scale scale of the int8 weights
 * @returns int8 weights, [k]
 */
export function roundTogether(w: Float64Array, covariance: Float64Array, scale: number): Int8Array {
  const n = w.length;
  let trace = 0;
  for (let k = 0; k < n; k++) trace += covariance[k * n + k] as number;
  const ridge = (damping * trace) / n;
  const q = Int8Array.from(w, (v) => clampInt(roundHalfAway(v / scale), -127, 127));
  if (trace === 0) return q;
  const error = Float64Array.from(w, (v, k) => scale * (q[k] as number) - v);
  const r = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    let sum = ridge * (error[i] as number);
    for (let k = 0; k < n; k++) sum += (covariance[i * n + k] as number) * (error[k] as number);
    r[i] = sum;
  }
  for (let sweep = 0, moved = true; moved && sweep < maxSweeps; sweep++) {
    moved = false;
    for (let k = 0; k < n; k++) {
      const curve = (covariance[k * n + k] as number) + ridge;
      const exact = (w[k] as number) / scale;
      const wished = (q[k] as number) - (r[k] as number) / curve / scale;
      const [low, high] = [Math.max(-127, Math.floor(exact)), Math.min(127, Math.ceil(exact))];
      const to = clampInt(roundHalfAway(wished), Math.min(low, 127), Math.max(high, -127));
      if (to === q[k]) continue;
      const step = scale * (to - (q[k] as number));
      q[k] = to;
      moved = true;
      for (let i = 0; i < n; i++) r[i] = (r[i] as number) + step * (covariance[k * n + i] as number);
      r[k] = (r[k] as number) + step * ridge;
    }
  }
  return q;
}
