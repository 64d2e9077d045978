/**
 * runlet flash MODEL --to serial:/dev/ttyUSB0: sends a model to a microcontroller over the console of its
 * log.
 *
 * In: a bundle, or an image of `runlet image`; a port.  Out: the model that the device then runs, on stdout;
 * progress, and with --verbose the device's log, on stderr.  Errors: RN880 to RN891.
 */

import { readFile } from 'node:fs/promises';
import { crc32, imageHeaderBytes, imageMagic } from '../../../assembly/bundle/image.ts';
import { RunletError } from '../../../models/error.ts';
import { bytesText } from '../../bytes-text.ts';
import { printJson } from '../../command/args.ts';
import { bundleImage } from '../../command/bundle-image.ts';
import { emptyLine } from '../../report/terminal.ts';
import { type FlashSerialOptions, type FlashSerialResult, flashSerial, type SerialProgress } from './flash-serial.ts';
import { openPort } from './port.ts';

export interface SerialFlashArgs {
  /** Path of a .wasm or an image. */
  file: string;
  /** `serial:` and the path of a port. */
  to: string;
  bitsPerSecond?: number;
  name?: string;
  until?: FlashSerialOptions['until'];
  trialMs?: number;
  json?: boolean;
  /** True shows the device's log on stderr. */
  verbose?: boolean;
}

const serialScheme = 'serial:';

/** Returns the image and its name. @throws RN880, and for a bundle the errors of bundleImage */
async function readImage(path: string): Promise<{ image: Uint8Array; name: string }> {
  const bytes = new Uint8Array(await readFile(path));
  if (new TextDecoder().decode(bytes.subarray(0, 4)) === '\0asm') {
    const { image, manifest } = await bundleImage(path);
    return { image, name: manifest.name };
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const long = bytes.length >= imageHeaderBytes && new TextDecoder().decode(bytes.subarray(0, 4)) === imageMagic;
  const whole = long && view.getUint32(8, true) === bytes.length && view.getUint32(12, true) === crc32(bytes.subarray(16));
  if (!whole)
    throw new RunletError('RN880', {
      what: 'this is not a model for a device',
      where: path,
      why: long ? 'the image is incomplete or damaged' : 'it is neither a module nor an image',
      tryThis: 'use a .wasm of runlet build, or a file of runlet image',
    });
  const text = view.getUint32(68, true);
  return { image: bytes, name: new TextDecoder().decode(bytes.subarray(text, bytes.indexOf(0, text))) };
}

const phases: Record<SerialProgress['phase'], string> = {
  hello: 'waiting for the device',
  send: 'sending',
  verify: 'the device verifies',
  try: 'the device starts it on trial',
  confirm: 'confirming',
};

const framesText = (count: number): string => `${count} ${count === 1 ? 'frame' : 'frames'}`;

/** Returns a function that shows progress: one updated line on a terminal, else one line per phase. */
function progressLine(stream: NodeJS.WriteStream): (progress: SerialProgress) => void {
  let last = '';
  return ({ phase, sentBytes, imageBytes, repeats }) => {
    const share = phase === 'send' ? ` ${Math.floor((100 * sentBytes) / imageBytes)} % of ${bytesText(imageBytes)}` : '';
    const again = repeats > 0 ? `, ${framesText(repeats)} sent again` : '';
    if (stream.isTTY) stream.write(`${emptyLine(stream)}${phases[phase]}${share}${again}`);
    else if (phase !== last) stream.write(`${phases[phase]}\n`);
    last = phase;
  };
}

/** Removes the bytes of damaged frames from a log. */
const printable = (text: string): string => text.replace(/[^\n\t\x20-\x7e\u00a0-\ufffc]/g, '');

function resultText({ state, slot, sequence, imageBytes, resumedBytes, repeats }: FlashSerialResult, name: string): string {
  const resumed = resumedBytes > 0 && resumedBytes < imageBytes ? `, ${resumedBytes} of them from an earlier transfer` : '';
  return [
    `${state.padEnd(9)} ${name} in slot ${slot}, ${sequence ? `sequence ${sequence}` : 'no sequence number'}`,
    `image     ${imageBytes} bytes${resumed}; ${framesText(repeats)} sent again`,
    '',
  ].join('\n');
}

/** Runs the command. @throws RN880 to RN891, and the errors of reading the file */
export async function flashToSerial(args: SerialFlashArgs): Promise<void> {
  const { file, to, bitsPerSecond = 115_200, json, verbose } = args;
  const { image, name } = await readImage(file);
  const port = await openPort(to.slice(serialScheme.length), bitsPerSecond);
  const { stderr } = process;
  try {
    const result = await flashSerial(image, port, {
      ...args,
      bitsPerSecond,
      name: args.name ?? name,
      onProgress: progressLine(stderr),
      onText: verbose ? (text) => stderr.write(printable(text)) : undefined,
    });
    stderr.write(emptyLine(stderr));
    if (json) printJson({ file, to, name: args.name ?? name, ...result });
    else process.stdout.write(resultText(result, args.name ?? name));
  } catch (error) {
    if (stderr.isTTY) stderr.write('\n');
    throw error;
  } finally {
    await port.close();
  }
}
