/**
 * Rate limit for a log, so that a flood of messages cannot fill it.
 *
 * In: lines.  Out: at most one line per interval; the next line has the number of lines that were dropped.
 */
export type Log = (about: object, text: string) => void;

export function seldom(log: Log, everyMs = 1000): Log {
  let loggedMs = Number.NEGATIVE_INFINITY;
  let leftOut = 0;
  return (about, text) => {
    if (performance.now() - loggedMs < everyMs) {
      leftOut++;
      return;
    }
    log({ ...about, ...(leftOut > 0 && { leftOut }) }, text);
    loggedMs = performance.now();
    leftOut = 0;
  };
}
