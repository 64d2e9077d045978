/**
 * Formats numbers for the page.
 *
 * In: bytes, seconds, microseconds.  Out: short texts with the unit.
 */
export const kilobytes = (bytes: number): string =>
  bytes < 1000 ? `${bytes} B` : `${(bytes / 1024).toFixed(bytes < 100 * 1024 ? 1 : 0)} KB`;

export function secondsText(s: number): string {
  if (s >= 1) return `${Number(s.toPrecision(3))} s`;
  return `${Number((1000 * s).toPrecision(3))} ms`;
}

export const microseconds = (us: number): string => `${us >= 100 ? whole(Math.round(us)) : us.toFixed(1)} µs`;

export const percent = (share: number): string => `${Number((100 * share).toPrecision(2))} %`;

export const whole = (n: number): string => n.toLocaleString('en');

export const millions = (n: number): string => `${(n / 1e6).toLocaleString('en', { maximumFractionDigits: 1 })} M`;
