/**
 * Opens a serial port without a native module: stty sets it, Node's terminal streams read and write it.
 *
 * In: a path such as /dev/ttyUSB0, a speed.  Out: a SerialPort.  Linux and macOS; elsewhere RN881. A terminal
 * stream, not a file stream: a read of a file holds one of Node's threads until bytes come, and the process
 * could not end.
 */
import { execFile } from 'node:child_process';
import { closeSync, constants, openSync } from 'node:fs';
import { isatty, ReadStream, WriteStream } from 'node:tty';
import { promisify } from 'node:util';
import { RunletError } from '../../../models/error.ts';
import type { SerialPort } from './exchange.ts';

const refused = (path: string, why: string, tryThis: string): RunletError =>
  new RunletError('RN881', { what: 'this serial port cannot be used', where: path, why, tryThis });

/** `stty -F` of Linux, `stty -f` of macOS. */
const sttyFlags: Partial<Record<NodeJS.Platform, string>> = { linux: '-F', darwin: '-f' };

/** @throws RN881 */
export async function openPort(path: string, bitsPerSecond: number, platform = process.platform): Promise<SerialPort> {
  const flag = sttyFlags[platform];
  if (!flag)
    throw refused(
      path,
      `on ${platform} it cannot be set without a native module`,
      'Linux or macOS; under Windows WSL with usbipd',
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
        ? 'be in the group dialout (log in again afterwards)'
        : 'the port that appears when the board is plugged in; a speed that stty takes',
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
    throw refused(path, 'it is no terminal', 'a serial port, such as /dev/ttyUSB0, /dev/ttyACM0 or /dev/cu.usbserial-…');
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
