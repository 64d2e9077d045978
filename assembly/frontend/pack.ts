/**
 * A front end as bytes: parameter block and tables, ready for the data segment.
 *
 * In: a FrontEnd and addresses.  Out: bytes from `at` on: block (assembly/kernels/block.ts, FE_*), then the tables. Exact; nothing depends on the addresses
 * but the addresses in the block.
 */
import { lastTwiddles, twiddles } from '../../models/frontend/fft-tables.ts';
import { logTable } from '../../models/frontend/log-table.ts';
import type { FrontEnd } from '../../models/frontend/types.ts';
import * as K from '../kernels/block.ts';

const alignment = 4;
const align = (bytes: number) => Math.ceil(bytes / alignment) * alignment;

/** State: samples in the window, noise estimates, the window's samples. */
export const frontEndStateBytes = ({ channels, windowSamples }: FrontEnd): number => align(4 + 4 * channels + 2 * windowSamples);

/** The spectrum. */
export const frontEndScratchBytes = ({ fftSamples }: FrontEnd): number => 2 * fftSamples + 4;

const interleaved = (a: Int16Array, b: Int16Array): Int16Array =>
  Int16Array.from({ length: 2 * a.length }, (_, i) => (i & 1 ? b : a)[i >> 1] as number);

/** The tables in their order, by the field that holds the address. */
function tablesOf({ window, fftSamples, bank, pcan, log, remap }: FrontEnd): [field: number, table: Int16Array | Int8Array][] {
  return [
    [K.FE_WINDOW_TABLE, window],
    [K.FE_TWIDDLES, twiddles(fftSamples)],
    [K.FE_LAST, lastTwiddles(fftSamples)],
    [K.FE_BANDS, interleaved(bank.starts, bank.widths)],
    [K.FE_WEIGHTS, interleaved(bank.weights, bank.unweights)],
    ...(pcan ? [[K.FE_PCAN, pcan.table] as [number, Int16Array]] : []),
    ...(log ? [[K.FE_LOG, logTable()] as [number, Int16Array]] : []),
    ...(remap ? [[K.FE_REMAP, remap] as [number, Int8Array]] : []),
  ];
}

export const frontEndTableBytes = (frontEnd: FrontEnd): number =>
  tablesOf(frontEnd).reduce((sum, [, table]) => sum + align(table.byteLength), align(K.FE_BYTES));

/** Block and tables for address `at`; the row is written to `row`. */
export function packFrontEnd(f: FrontEnd, at: number, places: { state: number; scratch: number; row: number }): Uint8Array {
  const bytes = new Uint8Array(frontEndTableBytes(f));
  const view = new DataView(bytes.buffer);
  const { noise, log, output } = f;
  const fields: [field: number, value: number][] = [
    [K.FE_ROW, places.row],
    [K.FE_STATE, places.state],
    [K.FE_BUFFER, places.scratch],
    [K.FE_CHANNELS, f.channels],
    [K.FE_WINDOW, f.windowSamples],
    [K.FE_STEP, f.stepSamples],
    [K.FE_POINTS, f.fftSamples / 2],
    [K.FE_PEAK, f.peak === 'follow' ? 1 : 0],
    [K.FE_WINDOW_SHIFT, f.windowShift],
    [K.FE_MOST, f.most],
    [K.FE_MULTIPLY, output.multiply],
    [K.FE_ADD, output.add],
    [K.FE_DIVIDE, output.divide],
    [K.FE_OFFSET, output.offset],
    [K.FE_LOW, output.low],
    [K.FE_HIGH, output.high],
    [K.FE_SNR_SHIFT, f.pcan?.snrShift ?? 0],
    [K.FE_CORRECTION, log?.correctionBits ?? 0],
    [K.FE_LOG_SCALE, log?.scale ?? 0],
  ];
  if (noise)
    fields.push(
      [K.FE_NOISE, 1],
      [K.FE_SMOOTHING, noise.smoothing[0]],
      [K.FE_SMOOTHING + 4, noise.smoothing[1]],
      [K.FE_ONE_MINUS, noise.oneMinusSmoothing[0]],
      [K.FE_ONE_MINUS + 4, noise.oneMinusSmoothing[1]],
      [K.FE_MIN_SIGNAL, noise.minSignalRemaining],
      [K.FE_NOISE_BITS, noise.bits],
      [K.FE_SMOOTHING_BITS, noise.smoothingBits],
      [K.FE_CLAMPING, noise.clamping ? 1 : 0],
    );
  let next = align(K.FE_BYTES);
  for (const [field, table] of tablesOf(f)) {
    fields.push([field, at + next]);
    // little endian, as the machines that build
    bytes.set(new Uint8Array(table.buffer, table.byteOffset, table.byteLength), next);
    next += align(table.byteLength);
  }
  for (const [field, value] of fields) view.setInt32(field, value, true);
  return bytes;
}
