/**
 * Compares a session's outputs byte by byte with expected rows that another program computed.
 *
 * In: a session, input rows and expected rows.  Out: the number of compared outputs, of differing ones, and
 * the largest difference. int8 and uint8 outputs are compared as stored, float outputs as float32 bits after
 * dequantisation.
 */
import { RunletError } from '../../models/error.ts';
import type { Session } from '../session/index.ts';
import type { NpyArray } from '../sources/npy.ts';
import { asHost, splitRows, windowToFrames } from './rows.ts';

export interface Comparison {
  /** Number of compared elements. */
  outputs: number;
  differing: number;
  maxDifference: number;
  /** Number of expected rows with a window to compare with, and without one. */
  rows: number;
  rowsWithoutWindow: number;
}

const bits = (x: number): number => new Int32Array(new Float32Array([x]).buffer)[0] ?? 0;

class Tally implements Comparison {
  outputs = 0;
  differing = 0;
  maxDifference = 0;
  rows = 0;
  rowsWithoutWindow = 0;
  private readonly session: Session;
  private readonly expected: ReturnType<typeof asHost>;
  private readonly perRow: number;
  constructor(session: Session, expected: NpyArray) {
    const port = session.manifest.outputs[0] as Session['manifest']['outputs'][number];
    this.session = session;
    this.perRow = port.elements;
    this.expected = asHost(expected.data, port.hostType, 'expected outputs');
    splitRows(expected, port.elements, 'expected outputs');
  }
  get expectedRows(): number {
    return this.expected.length / this.perRow;
  }
  /** Compares the session's latest output with row i. */
  row(i: number): void {
    const port = this.session.manifest.outputs[0] as Session['manifest']['outputs'][number];
    const float = port.hostType === 'float32';
    const got = float ? this.session.output(0) : this.session.outputRaw(0);
    const offset = port.hostType === 'uint8' ? 128 : 0;
    const want = windowToFrames(this.expected.subarray(i * this.perRow, (i + 1) * this.perRow) as Int8Array, port);
    for (let k = 0; k < want.length; k++) {
      const a = (got[k] as number) + offset;
      const b = want[k] as number;
      this.outputs++;
      if (float ? bits(a) === bits(b) : a === b) continue;
      this.differing++;
      this.maxDifference = Math.max(this.maxDifference, Math.abs(a - b));
    }
    this.rows++;
  }
}

const port0 = (session: Session) => session.manifest.inputs[0] as Session['manifest']['inputs'][number];

/**
 * Compares windows: each row of x is one whole window. The session is reset before each window if its hop is
 * shorter than the window; otherwise once, so that a model's own state goes on from row to row.
 */
export function compareWindows(session: Session, x: NpyArray, y: NpyArray): Comparison {
  const port = port0(session);
  const perRow = port.elements * session.window;
  const data = asHost(x.data, port.hostType, 'input');
  const { rows } = splitRows(x, perRow, 'input');
  const tally = new Tally(session, y);
  if (tally.expectedRows !== rows) {
    throw new RunletError('RN745', {
      what: `${rows} input rows and ${tally.expectedRows} expected rows`,
      tryThis: 'one expected row per input row',
    });
  }
  session.reset();
  for (let i = 0; i < rows; i++) {
    if (session.hop < session.window) session.reset();
    const row = data.subarray(i * perRow, (i + 1) * perRow);
    // rows whose first axis is time are frames already
    const frames = port.order[0] === 't' ? row : windowToFrames(row as Int8Array, port);
    session.pushAll(frames, () => tally.row(i));
  }
  return tally;
}

/** Compares a stream: x is one sequence of frames; row i of y is the window from frame i * expectHop. */
export function compareStream(session: Session, x: NpyArray, y: NpyArray, expectHop: number): Comparison {
  const port = port0(session);
  const data = asHost(x.data, port.hostType, 'input');
  splitRows(x, port.elements, 'input');
  const tally = new Tally(session, y);
  session.reset();
  session.pushAll(data, (n) => {
    const start = n * session.hop;
    if (start % expectHop === 0 && start / expectHop < tally.expectedRows) tally.row(start / expectHop);
  });
  tally.rowsWithoutWindow = tally.expectedRows - tally.rows;
  return tally;
}
