/**
 * Serial line: reads bytes from a device, and waits for the device if it disappears.
 *
 * In: a path such as /dev/ttyUSB0, a baud rate.  Out: bytes until `signal` aborts.  Errors: RN872, RN881.
 * A path that is not a device (a FIFO, a file) is read once, to its end.
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

/** Time between two attempts to open the device, in milliseconds. */
const retryMs = 1000;

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

/** Yields the bytes of a serial line. @throws RN872, RN881 if the first attempt to open it fails. */
export async function* serialBytes(options: SerialOptions, log: Logger, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const { path } = options;
  const found = await stat(path).catch((error: Error) => {
    throw new RunletError('RN872', {
      what: 'the serial line does not exist',
      where: path,
      why: error.message,
      tryThis: 'use the port that appears when the device is plugged in',
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
      log.warn({ path, why: (error as Error).message }, 'serial: the line is gone; waiting for it');
    }
    await new Promise((resolve) => setTimeout(resolve, retryMs));
    if (signal.aborted) return;
  }
}
