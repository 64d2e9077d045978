/**
 * Record: what a cluster stores of a stream between two of its messages, as JSON. Bytes are in base64.
 *
 * In: the state of an intake, the place in the stream of messages.  Out: bytes, and back.
 * Errors: RN920. A record comes from outside: its form and its sizes are checked before it is used.
 */
import * as v from 'valibot';
import { RunletError } from '../../../models/error.ts';
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

/** @throws RN920 */
export function readRecord(stored: Uint8Array, stream: string): StreamRecord {
  const unusable = (why: string): RunletError =>
    new RunletError('RN920', {
      what: 'the stored state of a stream cannot be used',
      where: `stream ${stream}`,
      why,
      tryThis: 'the stream begins anew; look for who else writes to the buckets of the cluster',
    });
  let parsed: unknown;
  try {
    parsed = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(stored));
  } catch {
    throw unusable('it is not JSON');
  }
  const found = v.safeParse(recordSchema, parsed);
  if (!found.success) throw unusable(`${v.getDotPath(found.issues[0]) ?? 'the record'}: ${found.issues[0].message}`);
  const { state } = found.output;
  if (state.signal.from > state.frame || state.signal.origin > state.signal.from) throw unusable('its ticks are out of order');
  return found.output;
}
