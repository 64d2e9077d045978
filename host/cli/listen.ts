/**
 * The part of runlet run that listens: one or several models on one sound.
 *
 * In: models that take sound or rows of a front end, and a source of sound.  Out: into a pipe, a line of JSON
 * for each word, each change of voice and, with --scores or for a model without a detector, each output; on a
 * terminal, a line for each word and a moving line below. A summary at the end, which Ctrl-C asks for too.
 */

import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { RunletError } from '../../models/error.ts';
import { maxOf } from '../../models/lists.ts';
import {
  blockedLine,
  heardLine,
  type ListeningSummary,
  LiveListening,
  level,
  listeningText,
  perOutput,
} from '../report/listening.ts';
import { Listener, type ListenerEvents, type ListeningModel } from '../session/index.ts';
import type { Source } from '../sources/index.ts';
import { coloursFor, exitCodes, output, print, printJson } from './args.ts';
import { shortFloat } from './drive.ts';
import type { Listening } from './listening-models.ts';

export interface ListenOptions {
  source: Source;
  realtime?: boolean;
  /** Words (of models without a detector: outputs) after which it ends. */
  limit: number;
  /** A line for every output. */
  scores?: boolean;
  json?: boolean;
}

/** Standard input as sound, where a person sits in front of it. */
export function checkPiped(spec: string): void {
  if ((spec !== '-' && spec !== 'mic') || !process.stdin.isTTY) return;
  throw new RunletError('RN776', {
    what: 'there is no sound on standard input',
    where: spec,
    why: 'it is a terminal',
    tryThis: 'arecord -q -f S16_LE -r 16000 -c 1 -t raw - | runlet run model.wasm mic',
  });
}

/** Pieces of at most `samples`. */
async function* pieces(frames: AsyncIterable<Float32Array>, samples: number): AsyncGenerator<Float32Array> {
  for await (const chunk of frames) for (let at = 0; at < chunk.length; at += samples) yield chunk.subarray(at, at + samples);
}

const s = (timeMs: number): number => Number((timeMs / 1000).toFixed(4));

/** Runs until the source ends, the limit is reached, the reader of stdout is gone, or Ctrl-C. */
export async function listen({ models, frontEnds, sampleRateHz }: Listening, options: ListenOptions): Promise<void> {
  const { source, realtime, limit, json } = options;
  const colours = coloursFor(process.stdout);
  const onTerminal = Boolean(process.stdout.isTTY) && !json;
  const live = onTerminal && process.stderr.isTTY ? new LiveListening(process.stderr, models, colours) : undefined;
  const words = new Map<ListeningModel, Record<string, number>>();
  let [lines, found] = ['', 0];
  const line = (text: string, value: object): void => {
    lines += onTerminal ? `${text}\n` : `${JSON.stringify(value)}\n`;
  };
  const events: ListenerEvents = {
    heard(model, { label, timeMs, probability }) {
      if (found++ >= limit) return;
      const count = words.get(model) ?? {};
      count[label] = (count[label] ?? 0) + 1;
      words.set(model, count);
      const value = { timeS: s(timeMs), heard: label, probability: Number(probability.toFixed(4)), model: model.name };
      line(heardLine(label, timeMs, probability, colours), value);
    },
    blocked({ name, detector }, timeMs) {
      const label = detector?.candidate?.label ?? name;
      const probability = Number((detector?.mean ?? 0).toFixed(4));
      line(blockedLine(label, timeMs, probability, colours), { timeS: s(timeMs), noVoice: label, probability, model: name });
    },
    voice({ name }, active, timeMs) {
      if (!onTerminal || models.length === 1)
        line(`${`${s(timeMs).toFixed(2)} s`.padStart(10)}  voice ${active ? 'begins' : 'ends'}`, {
          timeS: s(timeMs),
          voice: active,
          model: name,
        });
    },
    output(model, timeMs) {
      const { name, session, detector, labels } = model;
      if (!(options.scores || !detector) || found >= limit) return;
      if (!detector) found++;
      const values = Array.from(session.output(detector?.output), shortFloat);
      const best = labels && labels.length === values.length ? labels[values.indexOf(maxOf(values))] : undefined;
      const value = { timeS: s(timeMs), n: session.outputIndex, output: values, label: best, model: name };
      line(`${`${s(timeMs).toFixed(2)} s`.padStart(10)}  ${name}  ${best ?? ''} ${values.join(' ')}`, value);
    },
  };
  const listener = new Listener(models, sampleRateHz, events);
  const flush = async (): Promise<void> => {
    if (!lines) return;
    live?.clear();
    const text = lines;
    lines = '';
    await print(text);
  };

  let stopped = false;
  const stop = (): void => {
    stopped = true;
    // a pipe that waits for more ends here
    process.stdin.destroy();
  };
  process.once('SIGINT', stop);
  const started = performance.now();
  let computing = 0;
  // on a terminal and in real time little at once, so that words come when they are said
  const step = realtime || live ? Math.ceil(sampleRateHz / 50) : sampleRateHz;
  try {
    for await (const piece of pieces(source.frames, step)) {
      // a source in memory would leave no room for Ctrl-C
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
      if (found >= limit || output.closed || stopped) break;
    }
  } catch (error) {
    if (!stopped) throw error;
  }
  process.off('SIGINT', stop);
  live?.clear();
  if (output.closed) return;

  const seconds = listener.samples / sampleRateHz;
  const summary: ListeningSummary = {
    source: source.describe,
    seconds,
    models: models.map((model) => {
      const count = listener.countOf(model);
      const { detector, name } = model;
      return {
        name,
        outputs: count.outputs,
        ...(detector && !detector.voice && { heard: words.get(model) ?? {}, blocked: count.blocked }),
        ...(detector?.voice && { voice: count.outputs > 0 ? Number((count.voiced / count.outputs).toFixed(4)) : 0 }),
        microsecondsPerOutput: perOutput(count),
      };
    }),
    frontEnds: frontEnds.map(({ session, text }) => {
      const count = listener.rowsOf(session);
      return { name: text, rows: count.outputs, microsecondsPerRow: perOutput(count) };
    }),
    ...(computing > 0 && { timesRealTime: Number(((1000 * seconds) / computing).toPrecision(4)) }),
  };
  if (json) printJson({ summary });
  else {
    const text = `${source.describe}\n${listeningText(summary)}\n`;
    (onTerminal ? process.stdout : process.stderr).write(text);
  }
  if (stopped) process.exitCode = exitCodes.interrupted;
}
