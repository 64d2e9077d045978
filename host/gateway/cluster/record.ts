/**
 * Record: what a cluster stores of a stream between two of its messages, as JSON. Bytes are in base64.
 *
 * In: the state of an intake, the place in the stream of messages.  Out: bytes, and back.
 * Errors: RN920. A record comes from outside: its form is checked when it is read, and its sizes and
 * positions before a stream continues with it.
 */
import * as v from 'valibot';
import { storedBytes } from '../../../assembly/bundle/manifest.ts';
import { isRunletError, RunletError } from '../../../models/error.ts';
import { unpackSnapshot } from '../../session/snapshot.ts';
import type { Entry } from '../gateway.ts';
import type { IntakeState } from '../streams/intake.ts';
import { noCounts, type SequencerCounts } from '../streams/sequencer.ts';

/** State of a stream after message `through` of its partition. */
export interface StreamRecord {
  /** Number of the latest message that the state contains, in the partition's stream of messages. */
  through: number;
  /** Ticks that wait for earlier ones in this state. */
  held: number;
  state: IntakeState;
}

const position = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(2 ** 53 - 1));
const signed = v.pipe(v.number(), v.safeInteger());
const ms = v.pipe(v.number(), v.finite());
const span = v.tuple([position, position]);
const bytes = v.pipe(
  v.string(),
  v.base64(),
  v.transform((text): Uint8Array => new Uint8Array(Buffer.from(text, 'base64'))),
);
const few = <T extends v.GenericSchema>(of: T) => v.pipe(v.array(of), v.maxLength(4096));

const piece = v.object({ from: position, bytes, timestampMs: v.optional(ms), skipped: position });
const counts = v.object(
  Object.fromEntries(Object.keys(noCounts()).map((name) => [name, position])) as Record<keyof SequencerCounts, typeof position>,
);

const recordSchema = v.object({
  through: position,
  held: position,
  state: v.object({
    slot: v.string(),
    stateDigest: v.string(),
    base: position,
    snapshot: bytes,
    frame: position,
    sequence: position,
    filled: few(span),
    signal: v.object({ origin: position, from: position, bytes }),
    sequencer: v.object({
      counts,
      next: v.optional(position),
      first: position,
      end: position,
      candidate: v.optional(v.object({ from: position, to: position, back: v.boolean(), piece })),
      unknownGap: v.boolean(),
      held: few(piece),
      lostRanges: few(span),
      last: v.optional(bytes),
      gapTicks: position,
    }),
    numbering: v.object({
      numbered: v.boolean(),
      epochs: few(v.object({ frame: position, offset: signed })),
      stamp: v.optional(v.object({ from: position, timestampMs: ms })),
    }),
  }),
});

const base64 = (_: string, value: unknown): unknown =>
  value instanceof Uint8Array ? Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64') : value;

export const writeRecord = (record: StreamRecord): Uint8Array => new TextEncoder().encode(JSON.stringify(record, base64));

const unusable = (stream: string, why: string): RunletError =>
  new RunletError('RN920', {
    what: 'the stored state of a stream cannot be used',
    where: `stream ${stream}`,
    why,
    tryThis: 'the stream begins anew; look for who else writes to the buckets of the cluster',
  });

/** @throws RN920 */
export function readRecord(stored: Uint8Array, stream: string): StreamRecord {
  let parsed: unknown;
  try {
    parsed = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(stored));
  } catch {
    throw unusable(stream, 'it is not JSON');
  }
  const found = v.safeParse(recordSchema, parsed);
  if (!found.success) throw unusable(stream, `${v.getDotPath(found.issues[0]) ?? 'the record'}: ${found.issues[0].message}`);
  return found.output;
}

/**
 * Checks that a stream can continue with a record: bytes are whole ticks in order, and the module's state is
 * whole and of this frame. A state of another layout is not used, so it is not checked. @throws RN920
 */
export function checkFits({ state }: StreamRecord, stream: string, { manifest, tickBytes }: Entry): void {
  const { frame, base, snapshot, stateDigest, signal, sequencer, filled } = state;
  const { first, next, end, last, held, candidate, lostRanges } = sequencer;
  const check = (isRight: boolean, why: string) => {
    if (!isRight) throw unusable(stream, why);
  };
  const isOrdered = (...numbers: number[]) => numbers.every((n, i) => i === 0 || (numbers[i - 1] as number) <= n);
  check(isOrdered(signal.origin, signal.from, frame), 'its ticks are out of order');
  check(signal.bytes.length === (frame - signal.from) * tickBytes, 'its signal has another length');
  check(
    [...filled, ...lostRanges].every(([from, to]) => from <= to),
    'a range ends before it begins',
  );
  check(last === undefined || last.length === tickBytes, 'its last tick has another size');
  const pieces = [...held, ...(candidate ? [candidate.piece] : [])];
  check(
    pieces.every(({ bytes: { length } }) => length > 0 && length % tickBytes === 0),
    'a message of it is no whole ticks',
  );
  const edges = held.flatMap(({ from, bytes }) => [from, from + bytes.length / tickBytes]);
  if (next === undefined) check(held.length === 0, 'ticks wait for a stream that has not begun');
  else check(isOrdered(first, next, ...edges, end), 'its waiting ticks are out of order');
  if (stateDigest !== manifest.stateDigest) return;
  const frameBytes = manifest.inputs.reduce((sum, port) => sum + port.elements * storedBytes(port), 0);
  try {
    const { originFrame, framesPushed } = unpackSnapshot(snapshot, stateDigest, manifest.bytes.stateBytes, frameBytes);
    check(base + originFrame + framesPushed === frame, 'its state is of another frame');
  } catch (error) {
    if (!isRunletError(error) || error.code === 'RN920') throw error;
    throw unusable(stream, `its state: ${error.parts.why}`);
  }
}
