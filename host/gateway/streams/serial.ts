/**
 * A serial line as bytes: set by stty, read as a file; where the device goes away it is waited for.
 *
 * In: a path such as /dev/ttyUSB0, a rate.  Out: bytes until `signal` aborts. What is no terminal (a FIFO, a file) is read as it is, and ends once.
 */
import { execFile } from 'node:child_process';
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { isatty } from 'node:tty';
import { promisify } from 'node:util';
import type { Logger } from 'pino';
import { RunletError } from '../../../models/error.ts';

export interface SerialOptions {
  path: string;
  baud: number;
}

const again = 1000;

async function isTerminal(path: string): Promise<boolean> {
  if (!path.startsWith('/dev/tty') && !path.startsWith('/dev/pts/')) return false;
  const file = await open(path, 'r');
  try {
    return isatty(file.fd);
  } finally {
    await file.close();
  }
}

const failed = (path: string, why: string): RunletError =>
  new RunletError('RN872', {
    what: 'the serial line cannot be read',
    where: path,
    why,
    tryThis: 'the device’s path, the right to read it (group dialout), and a rate that it has',
  });

/** @throws RN872 at the beginning; later losses are waited for */
export async function* serialBytes({ path, baud }: SerialOptions, log: Logger, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  for (let first = true; !signal.aborted; first = false) {
    try {
      const terminal = await isTerminal(path);
      // raw: no echo, no line discipline; without a carrier too
      if (terminal) await promisify(execFile)('stty', ['-F', path, `${baud}`, 'raw', '-echo', 'clocal']);
      yield* createReadStream(path, { signal, highWaterMark: 4096 }) as AsyncIterable<Uint8Array>;
      if (!terminal) return;
    } catch (error) {
      if (signal.aborted) return;
      if (first) throw failed(path, (error as Error).message.trim());
      log.warn({ path, why: (error as Error).message }, 'serial: the line is gone, and is waited for');
    }
    await new Promise((resolve) => setTimeout(resolve, again));
  }
}
