/**
 * A front end as bytes for the data segment: parameter block and tables.
 *
 * In: a FrontEnd and addresses.  Out: bytes for address `at`: FrontEndBlock, then the tables. Exact. Only the
 * addresses inside the block depend on the addresses that are passed.
 */
import { lastTwiddles, twiddles } from '../../models/frontend/fft-tables.ts';
import { logTable } from '../../models/frontend/log-table.ts';
import type { FrontEnd } from '../../models/frontend/types.ts';
import { type Fixup, packBlock } from '../emit/block.ts';
import { FrontEndBlock } from '../emit/blocks.ts';

const alignment = 4;
const align = (bytes: number) => Math.ceil(bytes / alignment) * alignment;

/** Bytes of state: the number of samples in the window, noise estimates, the samples of the window. */
export const frontEndStateBytes = ({ channels, windowSamples }: FrontEnd): number => align(4 + 4 * channels + 2 * windowSamples);

/** Bytes of scratch: the spectrum. */
export const frontEndScratchBytes = ({ fftSamples }: FrontEnd): number => 2 * fftSamples + 4;

const none = new Int8Array(0);

const interleaved = (a: Int16Array, b: Int16Array): Int16Array =>
  Int16Array.from({ length: 2 * a.length }, (_, i) => (i & 1 ? b : a)[i >> 1] as number);

type Tables = 'window_table' | 'twiddles' | 'last' | 'bands' | 'weights' | 'pcan' | 'log' | 'remap';

/** Tables in memory order, by the field that holds their address. Absent tables are empty. */
const tablesOf = ({ window, fftSamples, bank, pcan, log, remap }: FrontEnd): Record<Tables, Int16Array | Int8Array> => ({
  window_table: window,
  twiddles: twiddles(fftSamples),
  last: lastTwiddles(fftSamples),
  bands: interleaved(bank.starts, bank.widths),
  weights: interleaved(bank.weights, bank.unweights),
  pcan: pcan?.table ?? none,
  log: log ? logTable() : none,
  remap: remap ?? none,
});

export const frontEndTableBytes = (frontEnd: FrontEnd): number =>
  Object.values(tablesOf(frontEnd)).reduce((sum, table) => sum + align(table.byteLength), align(FrontEndBlock.bytes));

/** Packs block and tables for address `at`. `places`: addresses of state, scratch and output row. */
export function packFrontEnd(
  f: FrontEnd,
  at: number,
  places: { state: number; scratch: number; row: number },
): { bytes: Uint8Array; fixups: Fixup[] } {
  const bytes = new Uint8Array(frontEndTableBytes(f));
  let next = align(FrontEndBlock.bytes);
  const put = (table: Int16Array | Int8Array): number => {
    if (table.length === 0) return 0;
    // copied in the byte order of the machine that builds, which is little-endian
    bytes.set(new Uint8Array(table.buffer, table.byteOffset, table.byteLength), next);
    const address = at + next;
    next += align(table.byteLength);
    return address;
  };
  const addresses = Object.entries(tablesOf(f)).map(([field, table]) => [field, put(table)]);
  const { noise, log, output } = f;
  const block = packBlock(FrontEndBlock, {
    row: places.row,
    state: places.state,
    buffer: places.scratch,
    channels: f.channels,
    window: f.windowSamples,
    step: f.stepSamples,
    points: f.fftSamples / 2,
    peak: f.peak === 'follow' ? 1 : 0,
    window_shift: f.windowShift,
    noise: noise ? 1 : 0,
    smoothing: noise?.smoothing[0] ?? 0,
    smoothing_odd: noise?.smoothing[1] ?? 0,
    one_minus: noise?.oneMinusSmoothing[0] ?? 0,
    one_minus_odd: noise?.oneMinusSmoothing[1] ?? 0,
    min_signal: noise?.minSignalRemaining ?? 0,
    noise_bits: noise?.bits ?? 0,
    smoothing_bits: noise?.smoothingBits ?? 0,
    clamping: noise?.clamping ? 1 : 0,
    snr_shift: f.pcan?.snrShift ?? 0,
    correction: log?.correctionBits ?? 0,
    log_scale: log?.scale ?? 0,
    most: f.maxFeature,
    multiply: output.multiply,
    add: output.add,
    divide: output.divide,
    offset: output.offset,
    low: output.low,
    high: output.high,
    ...(Object.fromEntries(addresses) as Record<Tables, number>),
  });
  bytes.set(block.bytes);
  return { bytes, fixups: block.fixups };
}
