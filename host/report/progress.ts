/**
 * Shows on a terminal what a verb is doing: a line on stderr that is cleared at the end.
 *
 * In: a text, and the share of the work that is done, if it is known.  Out: the text with the elapsed time
 * (`compiling for interp, 12 s`), or the estimated time left.
 */
import { coloursFor, emptyLine } from './terminal.ts';

/** Milliseconds between two redraws, and before the time left can be estimated. */
const [drawMs, paceMs] = [200, 300];

/** Estimates the time left from the pace since `started`; empty if it is too early. @param share 0 to 1. */
export function leftText(started: number, share: number, now = performance.now()): string {
  const elapsed = now - started;
  if (share <= 0.01 || elapsed < paceMs) return '';
  return share >= 1 ? '' : `${Math.ceil((elapsed * (1 - share)) / share / 1000)} s left`;
}

export interface Working {
  /** Begins another step. */
  step(text: string): void;
  stop(): void;
}

/** Shows a text and the elapsed time, for work of unknown duration. */
function working(text: string, stream: NodeJS.WriteStream = process.stderr): Working {
  if (!stream.isTTY) return { step: () => {}, stop: () => {} };
  const { dim } = coloursFor(stream);
  let [step, started] = [text, performance.now()];
  const draw = () => {
    const seconds = Math.floor((performance.now() - started) / 1000);
    stream.write(`${emptyLine(stream)}${dim(`${step}${seconds > 0 ? `, ${seconds} s` : ''}`)}`);
  };
  draw();
  const timer = setInterval(draw, drawMs);
  timer.unref();
  return {
    step(next) {
      [step, started] = [next, performance.now()];
      draw();
    },
    stop() {
      clearInterval(timer);
      stream.write(emptyLine(stream));
    },
  };
}

/** Shows the same while `work` runs. */
export async function whileWorking<T>(text: string, work: () => Promise<T>): Promise<T> {
  const shown = working(text);
  try {
    return await work();
  } finally {
    shown.stop();
  }
}
