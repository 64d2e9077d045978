/**
 * A serial line as bytes; where the device goes away it is waited for.
 *
 * In: a path such as /dev/ttyUSB0, a rate.  Out: bytes until `signal` aborts. What is no device (a FIFO, a
 * file) is read as it is, and ends once.
 */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { Logger } from 'pino';
import { RunletError } from '../../../models/error.ts';
import { openPort } from '../../flash/serial/port.ts';

export interface SerialOptions {
  path: string;
  baud: number;
}

const againMs = 1000;

async function* portBytes({ path, baud }: SerialOptions, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const port = await openPort(path, baud);
  const waiting: Uint8Array[] = [];
  let ended: string | undefined;
  let wake = () => {};
  const end = (why: string) => {
    ended ??= why;
    wake();
  };
  port.listen(
    (bytes) => {
      waiting.push(bytes);
      wake();
    },
    (why) => end(why),
  );
  signal.addEventListener('abort', () => end('stopped'), { once: true });
  try {
    for (;;) {
      yield* waiting.splice(0);
      if (waiting.length > 0) continue;
      if (ended !== undefined) throw new Error(ended);
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  } finally {
    port.close();
  }
}

/** @throws RN872, RN881 at the beginning; later losses are waited for */
export async function* serialBytes(options: SerialOptions, log: Logger, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const { path } = options;
  const found = await stat(path).catch((error: Error) => {
    throw new RunletError('RN872', {
      what: 'the serial line is not there',
      where: path,
      why: error.message,
      tryThis: 'the port that appears when the device is plugged in',
    });
  });
  if (!found.isCharacterDevice()) {
    yield* createReadStream(path, { signal, highWaterMark: 4096 }) as AsyncIterable<Uint8Array>;
    return;
  }
  for (let heard = false; ; ) {
    try {
      for await (const bytes of portBytes(options, signal)) {
        heard = true;
        yield bytes;
      }
    } catch (error) {
      if (signal.aborted) return;
      if (!heard) throw error;
      log.warn({ path, why: (error as Error).message }, 'serial: the line is gone, and is waited for');
    }
    await new Promise((resolve) => setTimeout(resolve, againMs));
    if (signal.aborted) return;
  }
}
