/**
 * What a verb shows while it works, on a terminal alone: a line on stderr that is emptied in the end.
 *
 * In: what goes on, and how much of it is done where that is known.  Out: `compiling for interp, 12 s` as
 * time goes by, or the time that is left by the pace so far.
 */
import { coloursFor, emptyLine } from './terminal.ts';

/** Milliseconds between two drawings, and before a pace is known. */
const [drawMs, paceMs] = [200, 300];

/**
 * The time that is left by the pace since `started`; nothing where no pace is known yet. @param share 0 to 1
 */
export function leftText(started: number, share: number, now = performance.now()): string {
  const elapsed = now - started;
  if (share <= 0.01 || elapsed < paceMs) return '';
  return share >= 1 ? '' : `${Math.ceil((elapsed * (1 - share)) / share / 1000)} s left`;
}

export interface Working {
  /** Another step begins. */
  step(text: string): void;
  stop(): void;
}

/** Says what goes on and for how long, where nobody knows how long it takes. */
export function working(text: string, stream: NodeJS.WriteStream = process.stderr): Working {
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

/** The same around some work. */
export async function whileWorking<T>(text: string, work: () => Promise<T>): Promise<T> {
  const shown = working(text);
  try {
    return await work();
  } finally {
    shown.stop();
  }
}
