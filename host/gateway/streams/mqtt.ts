/**
 * Frames in and outputs out over MQTT, by a broker (docs/streams.md has topics and QoS).
 *
 * In: runlet/<gateway>/streams/<stream>/frames, binary messages of wire.ts; with slots other than `main` runlet/<gateway>/slots/<slot>/streams/....
 * Out: .../outputs beside it; runlet/<gateway>/status, retained, `online` or, as the last will, `offline`. A frame that the broker kept (retained) is
 * none of the live signal and is left out. While the broker cannot be reached outputs are dropped and counted; the client comes back by itself.
 */
import type { Socket } from 'node:net';
import type { MqttClient } from 'mqtt';
import type { Logger } from 'pino';
import { isRunletError, RunletError } from '../../../models/error.ts';
import type { TlsParts } from '../http/certificates.ts';
import { isDistrust } from '../http/tls-errors.ts';
import { asFailure } from '../hub/slot.ts';
import type { Intake } from './intake.ts';
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
}

export interface Mqtt {
  counts: MqttCounts;
  stop(): Promise<void>;
}

const mostBufferedBytes = 8 << 20;
const connectMs = 10_000;
/** Refusals that are logged, a second. */
const logMs = 1000;

export const mqttTopics = (id: string) => ({
  status: `runlet/${id}/status`,
  frames: (stream: string, slot = 'main') =>
    slot === 'main' ? `runlet/${id}/streams/${stream}/frames` : `runlet/${id}/slots/${slot}/streams/${stream}/frames`,
  subscriptions: [`runlet/${id}/streams/+/frames`, `runlet/${id}/slots/+/streams/+/frames`],
});

/** Small messages leave at once, and do not wait for the answer to the one before (RFC 896). */
export function noDelay({ stream }: MqttClient): void {
  (stream as Partial<Socket>).setNoDelay?.(true);
}

/** @throws RN871 */
export async function connectMqtt(intake: Intake, options: MqttOptions, log: Logger): Promise<Mqtt> {
  const { url, id, qos, username, password, tls } = options;
  const buffer = (bytes?: Uint8Array) => bytes && Buffer.from(bytes);
  const topics = mqttTopics(id);
  const counts: MqttCounts = { connected: false, outputsDropped: 0 };
  const slotOf = new Map<string, string>();
  const { default: mqtt } = await import('mqtt');
  const unreachable = (why: string) =>
    new RunletError('RN871', {
      what: 'the MQTT broker cannot be reached',
      where: url.replace(/\/\/[^@/]*@/, '//'),
      why,
      tryThis: '--mqtt mqtt://HOST:1883, and a broker that runs; for mqtts://HOST:8883 its CA as --mqtt-ca',
    });
  if (!URL.canParse(url) || !/^(mqtts?|wss?):$/.test(new URL(url).protocol)) throw unreachable('this is no address of a broker');
  const client: MqttClient = mqtt.connect(url, {
    clientId: `runlet-${id}`,
    username,
    password,
    ...(tls && { ca: buffer(tls.ca), cert: buffer(tls.cert), key: buffer(tls.key) }),
    queueQoSZero: false,
    connectTimeout: connectMs,
    reconnectPeriod: 1000,
    will: { topic: topics.status, payload: Buffer.from('offline'), qos: 1, retain: true },
  });
  let failed: Error | undefined;
  client.on('error', (error) => {
    failed = error;
    log.error({ err: error, url }, 'mqtt');
  });
  client.on('close', () => {
    if (counts.connected) log.warn({ url }, 'mqtt: the connection was lost');
    counts.connected = false;
  });
  client.on('connect', () => {
    counts.connected = true;
    noDelay(client);
    log.info({ url, id }, 'mqtt: connected');
    client.subscribe(topics.subscriptions, { qos });
    client.publish(topics.status, 'online', { qos: 1, retain: true });
  });
  let loggedMs = 0;
  client.on('message', (topic, payload, packet) => {
    if (packet.retain) return;
    const parts = topic.split('/');
    const stream = parts.at(-2) ?? '';
    const slot = parts[2] === 'slots' ? parts[3] : undefined;
    try {
      intake.take({ ...readFrames(payload), stream, slot });
      if (slot) slotOf.set(stream, slot);
    } catch (error) {
      if (!isRunletError(error)) throw error;
      if (performance.now() - loggedMs < logMs) return;
      loggedMs = performance.now();
      log.warn({ ...asFailure(error), stream }, 'refused');
    }
  });
  const stopOutputs = intake.gateway.events.on('output', (output) => {
    const { stream } = output;
    // streams of other wires have no reader here
    if (!intake.countsOf(stream)) return;
    if (!client.connected || client.stream.writableLength > mostBufferedBytes) {
      counts.outputsDropped++;
      return;
    }
    const topic = topics.frames(stream, slotOf.get(stream)).replace(/frames$/, 'outputs');
    client.publish(topic, Buffer.from(writeOutput('', intake.decorate(output)).buffer), { qos });
  });
  const stopStreams = intake.gateway.events.on('stream', ({ stream, state }) => state === 'closed' && slotOf.delete(stream));
  const stop = async () => {
    stopOutputs();
    stopStreams();
    if (client.connected) await client.publishAsync(topics.status, 'offline', { qos: 1, retain: true });
    await client.endAsync(!client.connected);
  };
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(
      () => reject(unreachable(failed?.message ?? `no answer within ${connectMs / 1000} seconds`)),
      connectMs,
    );
    client.once('connect', () => {
      clearTimeout(timer);
      resolve();
    });
    client.once('error', (error) => {
      // a broker may be on its way, a certificate is not
      if (!isDistrust(error)) return;
      clearTimeout(timer);
      reject(unreachable(error.message));
    });
  }).catch(async (error: unknown) => {
    await stop();
    throw error;
  });
  return { counts, stop };
}
