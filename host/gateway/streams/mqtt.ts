/**
 * MQTT wire: takes frames and publishes outputs through a broker (topics and QoS: docs/streams.md).
 *
 * In: binary messages of wire.ts on runlet/<gateway>/streams/<stream>/frames; for slots other than `main` on
 * runlet/<gateway>/slots/<slot>/streams/....
 * Out: messages on .../outputs; runlet/<gateway>/status, retained: `online`, or `offline` as the last will.
 * runlet/<gateway>/slots/<slot>/judged, retained, and runlet/<gateway>/drift: these events as JSON.
 * Errors: RN871, RN878. Refused messages are counted, and logged at most once per second.
 * Rule: retained frames are ignored, because they are not live. A message has at most 1 MiB, and the names in
 * its topic follow docs/gateway.md. The number and size of unacknowledged outputs are bounded. Outputs are
 * dropped and counted while there is no connection; the client reconnects automatically.
 */
import type { Socket } from 'node:net';
import type { MqttClient } from 'mqtt';
import type { Logger } from 'pino';
import { isRunletError, RunletError } from '../../../models/error.ts';
import type { TlsParts } from '../../remote/certificates.ts';
import { isDistrust } from '../../remote/tls-errors.ts';
import type { OutputEvent } from '../hub/events.ts';
import { nameText } from '../hub/names.ts';
import { asFailure } from '../hub/slot.ts';
import { endSoon, guarded, isBrokerUrl, openMqtt } from '../mqtt/client.ts';
import { seldom } from '../mqtt/seldom.ts';
import type { Intake } from './intake.ts';
import { together } from './together.ts';
import { readFrames, writeOutput } from './wire.ts';

export interface MqttOptions {
  url: string;
  /** Name of the gateway in topics. */
  id: string;
  /** QoS of frames and outputs: 0 at most once, 1 at least once. */
  qos: 0 | 1;
  username?: string;
  password?: string;
  /** Certificates for mqtts://. */
  tls?: TlsParts;
}

export interface MqttCounts {
  connected: boolean;
  outputsDropped: number;
  /** Messages that were refused because of their topic or their frames. */
  refused: number;
  /** Exceptions in handlers, which are bugs of the gateway. */
  faults: number;
}

export interface Mqtt {
  counts: MqttCounts;
  stop(): Promise<void>;
}

/** Size of the send buffer above which outputs are dropped, in bytes. A choice. */
const maxBufferedBytes = 8 << 20;
/** Largest message, in bytes, as over WebSocket. */
const maxMessageBytes = 1 << 20;
const maxPacketBytes = maxMessageBytes + 1024;
/** Largest number of outputs that the broker has not acknowledged; above it outputs are dropped. A choice. */
const maxUnacknowledged = 4096;
/** Timeout of the first connection, in milliseconds. */
const connectMs = 10_000;

const framesTopic = new RegExp(`^(?:slots/(${nameText})/)?streams/(${nameText})/frames$`);

export const mqttTopics = (id: string) => ({
  status: `runlet/${id}/status`,
  drift: `runlet/${id}/drift`,
  frames: (stream: string, slot = 'main') =>
    slot === 'main' ? `runlet/${id}/streams/${stream}/frames` : `runlet/${id}/slots/${slot}/streams/${stream}/frames`,
  judged: (slot: string) => `runlet/${id}/slots/${slot}/judged`,
  subscriptions: [`runlet/${id}/streams/+/frames`, `runlet/${id}/slots/+/streams/+/frames`],
});

/** Returns the slot and the stream of a frames topic. @throws RN878 */
function placeOf(topic: string, id: string): { slot?: string; stream: string } {
  const [found, slot, stream] = framesTopic.exec(topic.slice(`runlet/${id}/`.length)) ?? [];
  if (found !== undefined && stream !== undefined) return { stream, ...(slot && { slot }) };
  throw new RunletError('RN878', {
    what: 'this MQTT message cannot be accepted',
    where: JSON.stringify(topic.slice(0, 80)),
    why: 'the topic has no valid stream name: up to 64 letters, digits, dots, dashes and underscores',
    tryThis: `use the topic ${mqttTopics(id).frames('STREAM')}`,
  });
}

/** Disables Nagle's algorithm (RFC 896), so that small messages are sent immediately. */
export function noDelay({ stream }: MqttClient): void {
  (stream as Partial<Socket>).setNoDelay?.(true);
}

const unreachable = (url: string, why: string): RunletError =>
  new RunletError('RN871', {
    what: 'the MQTT broker cannot be reached',
    where: url.replace(/\/\/[^@/]*@/, '//').slice(0, 80),
    why,
    tryThis: 'start the broker and use --mqtt mqtt://HOST:1883; for mqtts://HOST:8883 give its CA with --mqtt-ca',
  });

interface Wire {
  intake: Intake;
  options: MqttOptions;
  counts: MqttCounts;
  /** Slots of the streams whose topic has a slot. */
  slotOf: Map<string, string>;
  log: Logger;
  fault: (error: unknown) => void;
}

/** Returns the handler of frames messages. */
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

/** Publishes outputs to the broker. @returns a function that stops it. */
function publishOutputs(client: MqttClient, { intake, options: { id, qos }, counts, slotOf, fault }: Wire): () => void {
  const topics = mqttTopics(id);
  let unacknowledged = 0;
  const acknowledged = () => {
    unacknowledged--;
  };
  const give = (output: OutputEvent) => {
    const { stream } = output;
    // outputs of streams from HTTP are not published
    if (!intake.countsOf(stream)) return;
    if (!client.connected || client.stream.writableLength > maxBufferedBytes || unacknowledged >= maxUnacknowledged) {
      counts.outputsDropped++;
      return;
    }
    const topic = topics.frames(stream, slotOf.get(stream)).replace(/frames$/, 'outputs');
    unacknowledged++;
    together(client.stream);
    client.publish(topic, Buffer.from(writeOutput('', intake.decorate(output)).buffer), { qos }, acknowledged);
  };
  const ends = [
    intake.gateway.events.on('output', guarded(give, fault)),
    intake.gateway.events.on(
      'drift',
      guarded((event) => client.connected && client.publish(topics.drift, JSON.stringify(event), { qos }), fault),
    ),
    intake.gateway.events.on('judged', (judged) => {
      if (client.connected)
        client.publish(topics.judged(judged.slot), JSON.stringify(judged), { qos: 1, retain: true }, () => {});
    }),
    intake.gateway.events.on('stream', ({ stream, state }) => state === 'closed' && slotOf.delete(stream)),
  ];
  return () => ends.forEach((end) => void end());
}

/** Connects to a broker, and waits for the first connection. @throws RN871 */
export async function connectMqtt(intake: Intake, options: MqttOptions, log: Logger): Promise<Mqtt> {
  const { url, id, qos, username, password, tls } = options;
  if (!isBrokerUrl(url)) throw unreachable(url, 'this is not the address of a broker');
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
    ...{ url, username, password, tls, maxPacketBytes, fault },
    clientId: `runlet-${id}`,
    will: { topic: topics.status, payload: Buffer.from('offline'), qos: 1, retain: true },
    message: (topic, payload, { retain }) => retain || take(topic, payload),
    trouble: (error) => {
      failed = error;
      fail({ err: error, url }, 'mqtt');
      // a broker may still start, but a certificate does not become valid by waiting
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
    // rh 2 (MQTT 5): the broker does not send retained messages
    client.subscribe(topics.subscriptions, { qos, rh: 2 }, () => {});
    client.publish(topics.status, 'online', { qos: 1, retain: true }, () => {});
  });
  const stopOutputs = publishOutputs(client, wire);
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
