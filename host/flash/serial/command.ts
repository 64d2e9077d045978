/**
 * runlet flash MODEL --to serial:/dev/ttyUSB0: a model to a microcontroller, by the console that its log is
 * on.
 *
 * In: a bundle, or an image that `runlet image` wrote; a port.  Out: what the device runs then, on stdout;
 * progress and with --verbose the device's log on stderr.
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
  /** A .wasm, or an image. */
  file: string;
  /** `serial:` and the path of a port. */
  to: string;
  bitsPerSecond?: number;
  name?: string;
  until?: FlashSerialOptions['until'];
  trialMs?: number;
  json?: boolean;
  /** The device's log on stderr. */
  verbose?: boolean;
}

export const serialScheme = 'serial:';

/** The image, and a name for people. @throws RN880, and for a bundle what bundleImage gives */
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
      what: 'this is no model that a device takes',
      where: path,
      why: long ? 'the image was cut short or changed' : 'it is neither a module nor an image',
      tryThis: 'a .wasm of runlet build, or a file of runlet image',
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

/** A line that is written over on a terminal; elsewhere a line for each phase. */
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

/** A log is text: what a damaged frame left in it is not shown. */
const printable = (text: string): string => text.replace(/[^\n\t\x20-\x7e\u00a0-\ufffc]/g, '');

function resultText({ state, slot, sequence, imageBytes, resumedBytes, repeats }: FlashSerialResult, name: string): string {
  const resumed = resumedBytes > 0 && resumedBytes < imageBytes ? `, ${resumedBytes} of them there before` : '';
  return [
    `${state.padEnd(9)} ${name} in slot ${slot}, ${sequence ? `sequence ${sequence}` : 'no sequence number'}`,
    `image     ${imageBytes} bytes${resumed}; ${framesText(repeats)} sent again`,
    '',
  ].join('\n');
}

/** @throws RN880 to RN891, and what reading the file gives */
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
