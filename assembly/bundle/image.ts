/**
 * The model image: a bundle with its weights and its detector's settings, as one piece of flash.
 *
 * In: a module, its manifest, its weights if they are in a separate file, settings of the detector.  Out:
 * bytes for a raw partition, which has no file length and no file name.  Layout: docs/esp32.md, "The image";
 * host/mcu/runlet-image.c reads it.  Little-endian. Weights start at a multiple of 16 bytes, so that they can
 * be read in place by words wherever a partition is mapped.  CRC-32 (IEEE 802.3, as in zip) detects torn
 * writes and worn flash; the module's signature detects tampering.
 */
import { RunletError } from '../../models/error.ts';
import { join } from '../../models/lists.ts';
import { isScalar } from '../emit/target.ts';
import { type Manifest, maxSlidingWindow } from './manifest.ts';

/** A word that the detector reports: an element of the output. */
export interface ImageWord {
  element: number;
  label: string;
  /** Threshold: the word is detected if the mean is above it. */
  cutoff: number;
}

/** Settings of a detector, as host/session/label-detector.ts makes them from the manifest. */
export interface ImageDetector {
  output: number;
  slidingWindow: number;
  refractoryMs: number;
  voice: boolean;
  words: ImageWord[];
}

export interface ImageParts {
  wasm: Uint8Array;
  manifest: Manifest;
  weights?: Uint8Array;
  /** Default: none. The image then detects nothing, and its outputs are values. */
  detector?: ImageDetector;
  /** Size of the partition that the image has to fit, in bytes. Default: not checked. */
  partitionBytes?: number;
}

export const imageMagic = 'RNLI';
const imageVersion = 1;
export const imageHeaderBytes = 80;
const alignment = 16;

/** Limits of the reader in C. */
export const maxImageLabels = 256;
export const maxTextBytes = 127;

const crcTable = Uint32Array.from({ length: 256 }, (_, n) => {
  let c = n;
  for (let k = 0; k < 8; k++) c = c & 1 ? (c >>> 1) ^ 0xedb88320 : c >>> 1;
  return c;
});

/** Returns the CRC-32 of IEEE 802.3: reflected, polynomial 0x04c11db7, all ones before and after. */
export function crc32(bytes: Uint8Array): number {
  let c = 0xffffffff;
  for (const byte of bytes) c = (c >>> 8) ^ (crcTable[(c ^ byte) & 0xff] as number);
  return ~c >>> 0;
}

const unfit = (what: string, why: string, tryThis: string): RunletError =>
  new RunletError('RN615', { what, where: 'model image', why, tryThis });

const up = (at: number): number => Math.ceil(at / alignment) * alignment;

/** Returns the texts of an image, each followed by a zero byte. @throws RN615 */
function textBytes(texts: string[]): Uint8Array {
  const parts = texts.map((text) => new TextEncoder().encode(`${text}\0`));
  for (const [i, part] of parts.entries())
    if (part.length > maxTextBytes + 1 || part.indexOf(0) !== part.length - 1)
      throw unfit(
        `'${texts[i]}' cannot be a name in an image`,
        `it takes text without zero bytes, of at most ${maxTextBytes} bytes`,
        'give the model shorter names: its metadata, or runlet build --labels',
      );
  return join(Uint8Array, parts);
}

/**
 * Returns the names of the output's elements and their cutoffs. Infinity: the element is not detected.
 * @throws RN615
 */
function listOf({ manifest, detector }: ImageParts): { labels: string[]; cutoffs: number[] } {
  const elements = manifest.outputs[detector?.output ?? 0]?.elements ?? 0;
  if (!detector) return { labels: manifest.labels?.length === elements ? manifest.labels : [], cutoffs: [] };
  const { words, slidingWindow, refractoryMs } = detector;
  const labels = Array.from({ length: elements }, (_, i) => manifest.labels?.[i] ?? '');
  const cutoffs = labels.map(() => Number.POSITIVE_INFINITY);
  for (const { element, label, cutoff } of words) {
    labels[element] = label;
    cutoffs[element] = cutoff;
  }
  const whole = Number.isInteger(slidingWindow) && slidingWindow >= 1 && slidingWindow <= maxSlidingWindow;
  const inside = words.every(({ element, cutoff }) => element >= 0 && element < elements && cutoff >= 0 && cutoff <= 1);
  if (!whole || !inside || words.length === 0 || !(refractoryMs >= 0 && refractoryMs < Number.POSITIVE_INFINITY))
    throw unfit(
      'the detector cannot be used',
      `there are ${words.length} words of ${elements} elements, a window of ${slidingWindow} outputs and ${refractoryMs} ms between two`,
      'take the values of a model manifest',
    );
  return { labels, cutoffs };
}

/**
 * Makes one image. It does not compare the weights with the manifest's digest (host/session/weights.ts does).
 * @throws RN615 if the bundle cannot run on a microcontroller, RN616 if the image does not fit the partition.
 */
export function makeImage(parts: ImageParts): Uint8Array {
  const { wasm, manifest, weights, detector, partitionBytes } = parts;
  if (!isScalar(manifest.target))
    throw unfit(
      `${manifest.name} is built for SIMD`,
      `its target is ${manifest.target}, which no runtime for microcontrollers has`,
      'runlet build --target interp, or native',
    );
  if ((weights?.length ?? 0) !== (manifest.weights?.bytes ?? 0))
    throw unfit(
      `${manifest.name} does not have its weights`,
      `the file of weights has ${weights?.length ?? 0} bytes, and the manifest says ${manifest.weights?.bytes ?? 0}`,
      'give the weights file that was written with the module',
    );
  const { labels, cutoffs } = listOf(parts);
  if (labels.length > maxImageLabels)
    throw unfit(`${labels.length} labels are too many`, `an image has at most ${maxImageLabels}`, 'a model with fewer classes');
  const text = textBytes([manifest.name, manifest.unit ?? '', ...labels]);
  const cutoffsAt = imageHeaderBytes;
  const textAt = cutoffsAt + 8 * cutoffs.length;
  const weightsAt = up(textAt + text.length);
  const moduleAt = up(weightsAt + (weights?.length ?? 0));
  const total = up(moduleAt + wasm.length);
  if (partitionBytes !== undefined && total > partitionBytes)
    throw new RunletError('RN616', {
      what: `the image of ${manifest.name} does not fit the partition`,
      where: 'model image',
      why: `it has ${total} bytes (module ${wasm.length}, separate weights ${weights?.length ?? 0}), and the partition has ${partitionBytes}`,
      tryThis: 'make the partition larger (partitions.csv), or take a smaller model',
    });
  const image = new Uint8Array(total);
  const view = new DataView(image.buffer);
  const numbers: [at: number, value: number][] = [
    [4, imageVersion],
    [8, total],
    [16, moduleAt],
    [20, wasm.length],
    [24, weights ? weightsAt : 0],
    [28, weights?.length ?? 0],
    [48, detector?.output ?? 0xffffffff],
    [52, detector?.slidingWindow ?? 0],
    [56, detector?.voice ? 1 : 0],
    [60, labels.length],
    [64, cutoffs.length > 0 ? cutoffsAt : 0],
    [68, textAt],
    [72, text.length],
  ];
  for (const [at, value] of numbers) view.setUint32(at, value, true);
  view.setFloat64(32, manifest.sampleRateHz ?? 0, true);
  view.setFloat64(40, detector?.refractoryMs ?? 0, true);
  for (const [i, cutoff] of cutoffs.entries()) view.setFloat64(cutoffsAt + 8 * i, cutoff, true);
  image.set(new TextEncoder().encode(imageMagic), 0);
  image.set(text, textAt);
  if (weights) image.set(weights, weightsAt);
  image.set(wasm, moduleAt);
  view.setUint32(12, crc32(image.subarray(16)), true);
  return image;
}

/** Returns the module of an image by its header; empty if the header names no bytes of the image. */
export function moduleOf(image: Uint8Array): Uint8Array {
  if (image.length < imageHeaderBytes) return new Uint8Array();
  const view = new DataView(image.buffer, image.byteOffset, image.length);
  const at = view.getUint32(16, true);
  return image.subarray(at, at + view.getUint32(20, true));
}
