/**
 * The part of runlet run for sound: runs one or several models on one source.
 *
 * In: models that take sound or rows of a front end, and a source of sound.
 * Out: to a pipe, a line of JSON for each word and each change of voice; also for each output, with --scores
 * or for a model without a detector. On a terminal, a line for each word and a live line below. At the end,
 * also after Ctrl-C, a summary.
 */

import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { RunletError } from '../../models/error.ts';
import { coloursFor, exitCodes, output, print, printJson } from '../command/args.ts';
import { type ListeningSummary, LiveListening, level, listeningText, perOutput } from '../report/listening.ts';
import { gateSummary, Listener, type ListeningModel } from '../session/index.ts';
import type { Source } from '../sources/index.ts';
import { ListeningLines } from './listening-lines.ts';
import type { Listening } from './listening-models.ts';

export interface ListenOptions {
  source: Source;
  realtime?: boolean;
  /** Maximum number of words (for models without a detector, of outputs). */
  limit: number;
  /** True to print a line for every output. */
  scores?: boolean;
  json?: boolean;
}

/** Refuses to read sound from standard input if it is a terminal. @throws RN776 */
export function checkPiped(spec: string): void {
  if ((spec !== '-' && spec !== 'mic') || !process.stdin.isTTY) return;
  throw new RunletError('RN776', {
    what: 'there is no sound on standard input',
    where: spec,
    why: 'it is a terminal',
    tryThis: 'arecord -q -f S16_LE -r 16000 -c 1 -t raw - | runlet run model.wasm mic',
  });
}

/** Cuts chunks into pieces of at most `samples`. */
async function* pieces(frames: AsyncIterable<Float32Array>, samples: number): AsyncGenerator<Float32Array> {
  for await (const chunk of frames) for (let at = 0; at < chunk.length; at += samples) yield chunk.subarray(at, at + samples);
}

/** Calls `stop` at Ctrl-C. @returns whether it was pressed, and a function that stops watching. */
function atInterrupt(stop: () => void): { readonly pressed: boolean; end(): void } {
  let pressed = false;
  const press = (): void => {
    pressed = true;
    stop();
  };
  process.once('SIGINT', press);
  return {
    get pressed() {
      return pressed;
    },
    end: () => process.off('SIGINT', press),
  };
}

interface Fed {
  /** Computing time of the models in milliseconds. */
  computing: number;
  interrupted: boolean;
}

/** Feeds the source to the models until it ends, the limit is reached, stdout is closed, or Ctrl-C. */
async function feed(
  listener: Listener,
  lines: ListeningLines,
  { source, realtime }: ListenOptions,
  live?: LiveListening,
): Promise<Fed> {
  const { sampleRateHz } = listener;
  const flush = async (): Promise<void> => {
    const text = lines.take();
    if (!text) return;
    live?.clear();
    await print(text);
  };
  // ends a read that waits for more data
  const interrupt = atInterrupt(() => process.stdin.destroy());
  const started = performance.now();
  let computing = 0;
  // small pieces on a terminal and in real time, so that words appear without delay
  const step = realtime || live ? Math.ceil(sampleRateHz / 50) : sampleRateHz;
  try {
    for await (const piece of pieces(source.frames, step)) {
      // lets the event loop see Ctrl-C, even if the source never waits
      await nextTurn();
      if (realtime) {
        const wait = started + (1000 * (listener.samples + piece.length)) / sampleRateHz - performance.now();
        if (wait > 1) await sleep(wait);
      }
      const before = performance.now();
      listener.push(piece);
      computing += performance.now() - before;
      await flush();
      live?.draw((1000 * listener.samples) / sampleRateHz, level(piece));
      if (lines.isFull || output.closed || interrupt.pressed) break;
    }
  } catch (error) {
    if (!interrupt.pressed) throw error;
  }
  interrupt.end();
  return { computing, interrupted: interrupt.pressed };
}

/** Returns the summary: words and computing time of each model and front end. */
function summaryOf(
  listener: Listener,
  { models, frontEnds, sampleRateHz }: Listening,
  words: ReadonlyMap<ListeningModel, Record<string, number>>,
): Omit<ListeningSummary, 'source' | 'timesRealTime'> {
  return {
    seconds: listener.samples / sampleRateHz,
    models: models.map((model) => {
      const count = listener.countOf(model);
      const gate = gateSummary(listener, model);
      const { detector, name } = model;
      return {
        name,
        outputs: count.outputs,
        ...(detector && !detector.voice && { heard: words.get(model) ?? {}, blocked: count.blocked }),
        ...(detector?.voice && { voice: count.outputs > 0 ? Number((count.voiced / count.outputs).toFixed(4)) : 0 }),
        microsecondsPerOutput: perOutput(count),
        ...(gate && { gate }),
      };
    }),
    frontEnds: frontEnds.map(({ session, text }) => {
      const count = listener.rowsOf(session);
      return { name: text, rows: count.outputs, microsecondsPerRow: perOutput(count) };
    }),
  };
}

/** Runs the models until the source ends, the limit is reached, stdout is closed, or Ctrl-C. */
export async function listen(listening: Listening, options: ListenOptions): Promise<void> {
  const { models, sampleRateHz } = listening;
  const { source, limit, scores, json } = options;
  const colours = coloursFor(process.stdout);
  const onTerminal = Boolean(process.stdout.isTTY) && !json;
  const live = onTerminal && process.stderr.isTTY ? new LiveListening(process.stderr, models, colours) : undefined;
  const lines = new ListeningLines({ models, onTerminal, colours, limit, scores });
  const listener = new Listener(models, sampleRateHz, lines);
  const { computing, interrupted } = await feed(listener, lines, options, live);
  live?.clear();
  if (output.closed) return;
  const found = summaryOf(listener, listening, lines.words);
  const summary: ListeningSummary = {
    source: source.describe,
    ...found,
    ...(computing > 0 && { timesRealTime: Number(((1000 * found.seconds) / computing).toPrecision(4)) }),
  };
  if (json) printJson({ summary });
  else {
    const text = `${source.describe}\n${listeningText(summary)}\n`;
    (onTerminal ? process.stdout : process.stderr).write(text);
  }
  if (interrupted) process.exitCode = exitCodes.interrupted;
}
