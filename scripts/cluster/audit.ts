/**
 * Audit: what the broker of a cluster has stored of a site, against what it should have.
 *
 * In: the streams of messages of a site; bundles.  Out: frames and outputs of each stream; how the outputs
 * differ from those of a session that ran without interruption.
 */
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { type FramesMessage, type OutputMessage, readFrames, readOutput } from '../../host/gateway/streams/wire.ts';
import { openSession } from '../../host/session/index.ts';

type StoredKind = 'frames' | 'outputs';

/** Calls `take` with the messages of a site that are stored now, in the order in which the broker took them.
 * */
async function stored(
  nats: NatsConnection,
  site: string,
  kind: StoredKind,
  take: (stream: string, bytes: Uint8Array) => void,
): Promise<void> {
  const name = `RUNLET_${site}_${kind.toUpperCase()}`;
  const { state } = await (await jetstreamManager(nats)).streams.info(name);
  if (state.messages === 0) return;
  const consumer = await jetstream(nats).consumers.get(name);
  const found = await consumer.consume({ max_messages: 5000 });
  for await (const { seq, subject, data } of found) {
    take(subject.split('.').slice(4).join('.'), data);
    if (seq >= state.last_seq) break;
  }
}

function into<T>(lists: Map<string, T[]>, stream: string, one: T): void {
  const list = lists.get(stream);
  if (list) list.push(one);
  else lists.set(stream, [one]);
}

/** Reads all outputs of a site. */
export async function storedOutputs(nats: NatsConnection, site: string): Promise<Map<string, OutputMessage[]>> {
  const outputs = new Map<string, OutputMessage[]>();
  await stored(nats, site, 'outputs', (stream, bytes) => into(outputs, stream, readOutput(bytes)));
  return outputs;
}

/** Reads all messages of frames of a site. */
export async function storedFrames(nats: NatsConnection, site: string): Promise<Map<string, FramesMessage[]>> {
  const frames = new Map<string, FramesMessage[]>();
  await stored(nats, site, 'frames', (stream, bytes) => into(frames, stream, readFrames(bytes)));
  return frames;
}

/**
 * Joins the messages of a stream.
 *
 * @param elements values of a tick. @returns [tick][element]. @throws if ticks are missing or out of order
 */
export function signalOf(stream: string, messages: readonly FramesMessage[], elements: number): Float32Array {
  let next = 0;
  for (const { from, bytes } of messages) {
    if (from !== next) throw new Error(`the frames of ${stream} from ${next} on are not stored`);
    next += bytes.length / (4 * elements);
  }
  return new Float32Array(Uint8Array.from(Buffer.concat(messages.map(({ bytes }) => bytes))).buffer);
}

/** Returns the outputs of a session that runs without interruption. */
export async function uninterrupted(wasm: Uint8Array, signal: Float32Array): Promise<Float32Array[]> {
  const session = await openSession(wasm as BufferSource);
  const { frameElements: elements, manifest } = session;
  const out: Float32Array[] = [];
  const ticks = Math.floor(signal.length / elements);
  for (let from = 0; from < ticks; from += manifest.hop) {
    const part = signal.subarray(from * elements, Math.min(ticks, from + manifest.hop) * elements);
    if (session.pushPart(part, 0, part.length / elements)) out.push(Float32Array.from(session.output(0)));
  }
  return out;
}

/** How the stored outputs of a stream differ from those that it should have. */
export interface Difference {
  stream: string;
  wanted: number;
  /** Outputs that are not stored, that are stored more than once, and that have other bytes. */
  lost: number;
  repeated: number;
  different: number;
  /** Number of the first output that is lost, out of its place, or different. */
  first: number;
}

/** Compares a stream's first outputs; further ones are not looked at. @returns undefined if all are right */
export function differenceOf(
  stream: string,
  want: readonly Float32Array[],
  all: readonly OutputMessage[],
): Difference | undefined {
  const got = all.filter(({ sequence }) => sequence < want.length);
  const found = new Map(got.map((one) => [one.sequence, one]));
  const isSame = ({ buffer }: Float32Array, one: OutputMessage) =>
    Buffer.compare(Buffer.from(buffer), Buffer.from(one.values.buffer)) === 0;
  const isRight = (values: Float32Array, n: number) => got[n]?.sequence === n && isSame(values, got[n]);
  const first = want.findIndex((values, n) => !isRight(values, n));
  if (first < 0 && got.length === want.length) return undefined;
  const different = [...found].filter(([n, one]) => !isSame(want[n] as Float32Array, one)).length;
  return { stream, wanted: want.length, lost: want.length - found.size, repeated: got.length - found.size, different, first };
}
