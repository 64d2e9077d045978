/**
 * Opens a serial port without a native module: stty configures it, and Node's terminal streams read and
 * write.
 *
 * In: a path such as /dev/ttyUSB0, a speed.  Out: a SerialPort.  Errors: RN881, also on systems other than
 * Linux and macOS. It uses terminal streams, because a read of a file stream would block one of Node's
 * threads until bytes arrive, and the process could not end.
 */
import { execFile } from 'node:child_process';
import { closeSync, constants, openSync } from 'node:fs';
import { isatty, ReadStream, WriteStream } from 'node:tty';
import { promisify } from 'node:util';
import { RunletError } from '../../../models/error.ts';
import type { SerialPort } from './exchange.ts';

const refused = (path: string, why: string, tryThis: string): RunletError =>
  new RunletError('RN881', { what: 'this serial port cannot be used', where: path, why, tryThis });

/** Option of stty for the port: `stty -F` on Linux, `stty -f` on macOS. */
const sttyFlags: Partial<Record<NodeJS.Platform, string>> = { linux: '-F', darwin: '-f' };

/** Opens and configures a port. @throws RN881 */
export async function openPort(path: string, bitsPerSecond: number, platform = process.platform): Promise<SerialPort> {
  const flag = sttyFlags[platform];
  if (!flag)
    throw refused(
      path,
      `on ${platform} it cannot be configured without a native module`,
      'use Linux or macOS; on Windows, WSL with usbipd',
    );
  // clocal: open does not wait for a modem; -hupcl: closing does not pull DTR, which would reset most boards
  const settings = ['raw', '-echo', 'clocal', '-hupcl', '-crtscts', String(bitsPerSecond)];
  try {
    await promisify(execFile)('stty', [flag, path, ...settings], { timeout: 10_000 });
  } catch (error) {
    const { stderr = '', message } = error as Error & { stderr?: string };
    const why = (stderr || message).trim();
    throw refused(
      path,
      why,
      /denied/i.test(why)
        ? 'add your user to the group dialout, and log in again'
        : 'use the port that appears when the board is plugged in, and a speed that stty accepts',
    );
  }
  return overTerminal(path);
}

function overTerminal(path: string): SerialPort {
  const open = (flags: number): number => {
    try {
      return openSync(path, flags | constants.O_NOCTTY);
    } catch (error) {
      throw refused(path, (error as Error).message, 'end the program that has it open');
    }
  };
  const from = open(constants.O_RDONLY | constants.O_NONBLOCK);
  if (!isatty(from)) {
    closeSync(from);
    throw refused(path, 'it is not a terminal', 'use a serial port, such as /dev/ttyUSB0, /dev/ttyACM0 or /dev/cu.usbserial-…');
  }
  const input = new ReadStream(from);
  const output = new WriteStream(open(constants.O_WRONLY));
  return {
    write: (bytes) => void output.write(bytes),
    listen(onBytes, onEnd) {
      const ended = (error?: Error) => onEnd(error ? error.message : 'the port was closed');
      input
        .on('data', onBytes)
        .on('error', ended)
        .on('close', () => ended());
      output.on('error', ended);
    },
    close() {
      input.destroy();
      output.destroy();
    },
  };
}
