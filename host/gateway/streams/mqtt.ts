/**
 * Frames in and outputs out over MQTT, by a broker (docs/streams.md has topics and QoS).
 *
 * In: runlet/<gateway>/streams/<stream>/frames, binary messages of wire.ts; with slots other than `main`
 * runlet/<gateway>/slots/<slot>/streams/....
 * Out: .../outputs beside it; runlet/<gateway>/status, retained, `online` or, as the last will, `offline`. A
 * frame that the broker kept (retained) is none of the live signal and is left out. While the broker cannot
 * be reached outputs are dropped and counted; the client comes back by itself. A message has at most 1 MiB,
 * the names in its topic are those of docs/gateway.md, and outputs that the broker has not taken are bounded
 * too. What is refused is counted, and logged once a second at the most.
 */
import type { Socket } from 'node:net';
import type { MqttClient } from 'mqtt';
import type { Logger } from 'pino';
import { isRunletError, RunletError } from '../../../models/error.ts';
import type { TlsParts } from '../../remote/certificates.ts';
import { isDistrust } from '../../remote/tls-errors.ts';
import type { OutputEvent } from '../hub/events.ts';
import { asFailure } from '../hub/slot.ts';
import { endSoon, guarded, isBrokerUrl, openMqtt } from '../mqtt/client.ts';
import { seldom } from '../mqtt/seldom.ts';
import type { Intake } from './intake.ts';
import { together } from './together.ts';
import { readFrames, writeOutput } from './wire.ts';

export interface MqttOptions {
  url: string;
  /** `<gateway>` in topics. */
  id: string;
  /** Of frames and outputs: 0 at most once, 1 at least once. */
  qos: 0 | 1;
  username?: string;
  password?: string;
  /** Of mqtts://. */
  tls?: TlsParts;
}

export interface MqttCounts {
  connected: boolean;
  outputsDropped: number;
  /** Messages that were refused: their topic names no stream, or the stream takes them not. */
  refused: number;
  /** Handlers that threw: a fault of the gateway. */
  faults: number;
}

export interface Mqtt {
  counts: MqttCounts;
  stop(): Promise<void>;
}

const mostBufferedBytes = 8 << 20;
/** As a message over WebSocket. */
const mostMessageBytes = 1 << 20;
const mostPacketBytes = mostMessageBytes + 1024;
/** Outputs with QoS 1 that the broker has not answered. */
const mostUnanswered = 4096;
const connectMs = 10_000;

const nameText = '[A-Za-z0-9][A-Za-z0-9._-]{0,63}';
const framesTopic = new RegExp(`^(?:slots/(${nameText})/)?streams/(${nameText})/frames$`);

export const mqttTopics = (id: string) => ({
  status: `runlet/${id}/status`,
  frames: (stream: string, slot = 'main') =>
    slot === 'main' ? `runlet/${id}/streams/${stream}/frames` : `runlet/${id}/slots/${slot}/streams/${stream}/frames`,
  subscriptions: [`runlet/${id}/streams/+/frames`, `runlet/${id}/slots/+/streams/+/frames`],
});

/** Slot and stream of a topic of frames. @throws RN878 */
function placeOf(topic: string, id: string): { slot?: string; stream: string } {
  const [found, slot, stream] = framesTopic.exec(topic.slice(`runlet/${id}/`.length)) ?? [];
  if (found !== undefined && stream !== undefined) return { stream, ...(slot && { slot }) };
  throw new RunletError('RN878', {
    what: 'what came over MQTT is beyond what is taken',
    where: JSON.stringify(topic.slice(0, 80)),
    why: 'this topic names no stream: names are letters, digits, dots, dashes and underscores, 64 at most',
    tryThis: mqttTopics(id).frames('STREAM'),
  });
}

/** Small messages leave at once, and do not wait for the answer to the one before (RFC 896). */
export function noDelay({ stream }: MqttClient): void {
  (stream as Partial<Socket>).setNoDelay?.(true);
}

const unreachable = (url: string, why: string): RunletError =>
  new RunletError('RN871', {
    what: 'the MQTT broker cannot be reached',
    where: url.replace(/\/\/[^@/]*@/, '//').slice(0, 80),
    why,
    tryThis: '--mqtt mqtt://HOST:1883, and a broker that runs; for mqtts://HOST:8883 its CA as --mqtt-ca',
  });

interface Wire {
  intake: Intake;
  options: MqttOptions;
  counts: MqttCounts;
  /** Of streams whose topics name one. */
  slotOf: Map<string, string>;
  log: Logger;
  fault: (error: unknown) => void;
}

/** What takes a message of frames. */
function framesOf({ intake, options: { id }, counts, slotOf, log }: Wire) {
  const warn = seldom((about, text) => log.warn(about, text));
  return (topic: string, payload: Uint8Array): void => {
    try {
      const { slot, stream } = placeOf(topic, id);
      intake.take({ ...readFrames(payload), stream, slot });
      if (slot && intake.gateway.streams.has(stream)) slotOf.set(stream, slot);
    } catch (error) {
      if (!isRunletError(error)) throw error;
      counts.refused++;
      warn({ ...asFailure(error), refused: counts.refused }, 'refused');
    }
  };
}

/** Gives outputs to the broker. @returns what ends it */
function giveOutputs(client: MqttClient, { intake, options: { id, qos }, counts, slotOf, fault }: Wire): () => void {
  const topics = mqttTopics(id);
  let unanswered = 0;
  const answered = () => {
    unanswered--;
  };
  const give = (output: OutputEvent) => {
    const { stream } = output;
    // streams of other wires have no reader here
    if (!intake.countsOf(stream)) return;
    if (!client.connected || client.stream.writableLength > mostBufferedBytes || unanswered >= mostUnanswered) {
      counts.outputsDropped++;
      return;
    }
    const topic = topics.frames(stream, slotOf.get(stream)).replace(/frames$/, 'outputs');
    unanswered++;
    together(client.stream);
    client.publish(topic, Buffer.from(writeOutput('', intake.decorate(output)).buffer), { qos }, answered);
  };
  const ends = [
    intake.gateway.events.on('output', guarded(give, fault)),
    intake.gateway.events.on('stream', ({ stream, state }) => state === 'closed' && slotOf.delete(stream)),
  ];
  return () => ends.forEach((end) => void end());
}

/** @throws RN871 */
export async function connectMqtt(intake: Intake, options: MqttOptions, log: Logger): Promise<Mqtt> {
  const { url, id, qos, username, password, tls } = options;
  if (!isBrokerUrl(url)) throw unreachable(url, 'this is no address of a broker');
  const topics = mqttTopics(id);
  const counts: MqttCounts = { connected: false, outputsDropped: 0, refused: 0, faults: 0 };
  const fail = seldom((about, text) => log.error(about, text));
  const fault = (err: unknown) => {
    counts.faults++;
    fail({ err, faults: counts.faults }, 'mqtt: fault');
  };
  const wire: Wire = { intake, options, counts, slotOf: new Map(), log, fault };
  const take = framesOf(wire);
  let failed: Error | undefined;
  let give = (_: Error) => {};
  const client = openMqtt({
    ...{ url, username, password, tls, mostPacketBytes, fault },
    clientId: `runlet-${id}`,
    will: { topic: topics.status, payload: Buffer.from('offline'), qos: 1, retain: true },
    message: (topic, payload, { retain }) => retain || take(topic, payload),
    trouble: (error) => {
      failed = error;
      fail({ err: error, url }, 'mqtt');
      // a broker may be on its way, a certificate is not
      if (isDistrust(error)) give(error);
    },
  });
  client.on('close', () => {
    if (counts.connected) log.warn({ url }, 'mqtt: the connection was lost');
    counts.connected = false;
  });
  client.on('connect', () => {
    counts.connected = true;
    noDelay(client);
    log.info({ url, id }, 'mqtt: connected');
    // rh 2: what is retained is not sent (MQTT 5)
    client.subscribe(topics.subscriptions, { qos, rh: 2 }, () => {});
    client.publish(topics.status, 'online', { qos: 1, retain: true }, () => {});
  });
  const stopOutputs = giveOutputs(client, wire);
  const stop = async () => {
    stopOutputs();
    if (client.connected) client.publish(topics.status, 'offline', { qos: 1, retain: true }, () => {});
    await endSoon(client);
  };
  const first = new Promise<void>((resolve, reject) => {
    const late = new Error(`no answer within ${connectMs / 1000} seconds`);
    const timer = setTimeout(() => give(failed?.message ? failed : late), connectMs);
    give = ({ message }) => {
      clearTimeout(timer);
      reject(unreachable(url, message));
    };
    client.once('connect', () => {
      clearTimeout(timer);
      resolve();
    });
  });
  await first.catch(async (error: unknown) => {
    await stop();
    throw error;
  });
  return { counts, stop };
}
