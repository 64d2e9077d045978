/**
 * kws as the evaluation and the demo run it: the zoo's files, the front end, sessions.
 *
 * In: models/zoo/kws (ONNX, calibration rows).  Out: an int8 graph, plans, modules, and rows of features: int8 [rows][40], 50 a second, from the
 * front end's reference.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeFrontEnd } from '../../models/frontend/parameters.ts';
import { presetParameters } from '../../models/frontend/presets.ts';
import type { Graph } from '../../models/graph/types.ts';
import { readModel } from '../../models/read/index.ts';
import { FrontEndReference } from '../../quant/frontend/reference.ts';
import { quantize } from '../../quant/quantize.ts';
import type { Session } from '../session/index.ts';
import { readNpy } from '../sources/npy.ts';

export const root = join(import.meta.dirname, '..', '..');
export const zoo = join(root, 'models/zoo/kws');
export const hop = 2;
export const rows = 49;
export const channels = 40;
export const stepSamples = 320;
export const rateHz = 16000;
/** Seconds from one output to the next. */
export const hopSeconds = (hop * stepSamples) / rateHz;
/** Sample after the last one that output n has seen. */
export const endSample = (n: number): number => (n * hop + rows - 1) * stepSamples + 480;

export const frontEnd = makeFrontEnd({ ...presetParameters('microwakeword'), stepSamples });

/** What a stored feature stands for. */
export const realRows = (stored: Int8Array): Float32Array =>
  Float32Array.from(stored, (q) => frontEnd.output.scale * (q - frontEnd.output.zeroPoint));

export async function readFloat(file: string): Promise<Graph> {
  const bytes = new Uint8Array(readFileSync(join(zoo, file)));
  return readModel(bytes, { name: 'kws', digest: createHash('sha256').update(bytes).digest('hex') });
}

export const calibration = (): Float32Array => readNpy(new Uint8Array(readFileSync(join(zoo, 'calib.npy')))).data as Float32Array;

export const toInt8 = (graph: Graph): Graph => quantize(graph, { hop }, calibration(), { noReport: true }).graph;

/** int16 PCM of a 16 kHz mono WAV file of 16 bits, as the zoo's demo.wav is. */
export function readWav(path: string): Int16Array {
  const bytes = readFileSync(path);
  if (bytes.toString('latin1', 36, 40) !== 'data' || bytes.readUInt32LE(24) !== rateHz || bytes.readUInt16LE(34) !== 16)
    throw new Error(`${path}: not a plain WAV file of 16 kHz, 16 bits, mono`);
  return Int16Array.from({ length: (bytes.length - 44) >> 1 }, (_, i) => bytes.readInt16LE(44 + 2 * i));
}

/** Sound in pieces of any length through front end and network. */
export class Listener {
  readonly session: Session;
  #front = new FrontEndReference(frontEnd);
  #stored = new Int8Array(hop * channels);
  #row = 0;

  constructor(session: Session) {
    this.session = session;
  }

  /**
   * @param onOutput called with n after each output that falls due; read it with session.output() then.
   * @param microseconds takes the time that the network needed for each hop.
   */
  push(pcm: Int16Array, onOutput: (n: number) => void, microseconds?: number[]): void {
    const { session } = this;
    this.#front.push(pcm, () => {
      this.#stored.set(this.#front.row, (this.#row++ % hop) * channels);
      if (this.#row % hop > 0) return;
      const before = microseconds ? performance.now() : 0;
      const due = session.push(this.#stored);
      microseconds?.push(1000 * (performance.now() - before));
      if (due) onOutput(session.outputIndex);
    });
  }
}
