/**
 * Formats text for pages: escaping, numbers, ticks.
 *
 * In: values.  Out: text for HTML and SVG.
 */

export const escaped = (text: string): string =>
  text.replace(/[&<>"']/g, (c) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' })[c] as string);

export const number = (n: number): string => Math.round(n).toLocaleString('en');

/** Formats a coordinate with at most 3 decimals. */
export const plain = (n: number): string => String(Number(n.toFixed(3)));

/** Formats a number for an axis: 1.2M, 34k. */
export const short = (n: number): string => {
  const [value, unit] = n >= 1e9 ? [n / 1e9, 'G'] : n >= 1e6 ? [n / 1e6, 'M'] : n >= 1e3 ? [n / 1e3, 'k'] : [n, ''];
  return `${Number(value.toPrecision(3))}${unit}`;
};

/** Returns about `count` round values from 0 to `end`. */
export function axisTicks(end: number, count: number): number[] {
  const raw = end / count;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = Math.max(1, [1, 2, 5, 10].map((m) => m * power).find((s) => s >= raw) ?? raw);
  return Array.from({ length: Math.floor(end / step) + 1 }, (_, i) => i * step);
}
