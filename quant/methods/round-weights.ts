/**
 * Rounding of weights that looks at what they are multiplied with: each weight goes up or down so that the
 * errors of an output cancel.
 *
 *     least (w' - w)^T C (w' - w),  w'_k = s q_k,  q_k = floor or ceil of w_k / s
 *
 * C is the covariance of the inputs; their mean goes into the bias.
 * Coordinate descent from the nearest rounding: with r = C (w' - w) the best step of weight k is -r_k / C_kk,
 * rounded. No step makes the error larger (C with its damped diagonal), so on the calibration data the result
 * is no worse than the nearest rounding. Without bias correction C is E[x x^T]: then nothing else takes the
 * error of the means.
 *
 * This is AdaRound's objective, layer by layer, and not its whole method: C is that of the float network's
 * inputs (AdaRound's code may take those of the network quantised so far), a clamp behind the layer is not
 * looked at, and each output of up to 1,024 inputs is solved by itself, which loses nothing, since the
 * objective has no term of two outputs.
 * Source: Nagel et al. 2020, arXiv 2004.10568 (the objective, equation 20, and up-or-down as its domain);
 * Behdin et al. 2023, arXiv 2309.01885 (cyclic coordinate descent for it, in place of a relaxation by
 * gradients).  Cost: sweeps x K^2 an output.
 */
import { clampInt, roundHalfAway } from '../fixed-point.ts';

/**
 * Added to C's diagonal, as a share of its mean: inputs that calibration hardly shows are not rounded far for
 * nothing.
 */
const damping = 0.01;
const mostSweeps = 8;

/**
 * @param w float weights of one output, [k]  @param covariance [k][k]  @param scale of the int8 weights
 * @returns int8 weights
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
  for (let sweep = 0, moved = true; moved && sweep < mostSweeps; sweep++) {
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
