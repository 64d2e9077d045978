/**
 * A log that a flood of messages cannot fill.
 *
 * In: lines.  Out: one line an interval at the most; the next one says how many were left out.
 */
export type Log = (about: object, text: string) => void;

export function seldom(log: Log, everyMs = 1000): Log {
  let saidMs = Number.NEGATIVE_INFINITY;
  let leftOut = 0;
  return (about, text) => {
    if (performance.now() - saidMs < everyMs) {
      leftOut++;
      return;
    }
    log({ ...about, ...(leftOut > 0 && { leftOut }) }, text);
    saidMs = performance.now();
    leftOut = 0;
  };
}
