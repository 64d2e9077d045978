/**
 * A client of a broker that nobody has to trust: packets are bounded before they are kept, and no callback
 * ends the process.
 *
 * In: an address, bounds, a handler of messages.  Out: mqtt.js's client, which comes back by itself. Each
 * connection first offers MQTT 5, where the broker itself keeps the bound (maximumPacketSize) and leaves out
 * what is larger; a broker that refuses 5 (aedes) is asked again with 3.1.1, and there a larger packet ends
 * the connection (RN878).
 */
import { connect, type IClientOptions, type MqttClient } from 'mqtt';
import type { TlsParts } from '../../remote/certificates.ts';
import { guardPackets, type PacketRule, packetTypes } from './gate.ts';

export interface MqttClientOptions extends Pick<IClientOptions, 'clientId' | 'username' | 'password' | 'will' | 'keepalive'> {
  url: string;
  tls?: TlsParts;
  /** Largest packet that is taken, in bytes. */
  mostPacketBytes: number;
  message: (topic: string, payload: Uint8Array, packet: { retain: boolean }) => void;
  /** What went wrong with the connection, once for each cause until it is there again. */
  trouble: (error: Error) => void;
  /** A handler that threw: a fault of this program. */
  fault: (error: unknown) => void;
}

const schemes = new Set(['mqtt:', 'mqtts:', 'ws:', 'wss:']);
/** CONNACK: unacceptable protocol version (3.1.1: 1; 5: 132). */
const v5Refused = new Set([1, 132]);

export const isBrokerUrl = (url: string): boolean => URL.canParse(url) && schemes.has(new URL(url).protocol);

/**
 * Runs what must not throw: mqtt.js calls its listeners inside a stream's write, where an exception would end
 * the process.
 */
export function guarded<A extends unknown[]>(run: (...args: A) => void, fault: (error: unknown) => void): (...args: A) => void {
  return (...args) => {
    try {
      run(...args);
    } catch (error) {
      fault(error);
    }
  };
}

export function openMqtt({ url, tls, mostPacketBytes, message, trouble, fault, ...options }: MqttClientOptions): MqttClient {
  const buffer = (bytes?: Uint8Array) => bytes && Buffer.from(bytes);
  const client = connect(url, {
    ...options,
    protocolVersion: 5,
    clean: true,
    reconnectPeriod: 500,
    connectTimeout: 10_000,
    reconnectOnConnackError: true,
    resubscribe: true,
    queueQoSZero: false,
    properties: { maximumPacketSize: mostPacketBytes },
    wsOptions: { maxPayload: mostPacketBytes, followRedirects: false, perMessageDeflate: false },
    ...(tls && { ca: buffer(tls.ca), cert: buffer(tls.cert), key: buffer(tls.key) }),
  });
  const rule: PacketRule = ({ type, flags, bytes }) => {
    if (bytes > mostPacketBytes) return `a packet of ${bytes} bytes, and ${mostPacketBytes} are taken`;
    // nothing here subscribes with QoS 2, whose messages would be kept until the broker releases them
    return type === packetTypes.publish && (flags & 6) === 4 ? 'a message with QoS 2, which nobody asked for' : undefined;
  };
  const watch = () => guardPackets(client.stream, new URL(url).host, rule);
  watch();
  // each connection has a stream of its own, and sends CONNECT first
  client.on('packetsend', ({ cmd }) => cmd === 'connect' && watch());
  let said = '';
  client.on('connect', () => {
    said = '';
  });
  client.on(
    'error',
    guarded((error) => {
      if (client.options.protocolVersion === 5 && v5Refused.has((error as { code?: number }).code as number)) {
        client.options.protocolVersion = 4;
        return;
      }
      const why = error.message || String((error as { code?: string }).code);
      if (why !== said) trouble(error);
      said = why;
    }, fault),
  );
  client.on('message', guarded(message, fault));
  return client;
}

const endMs = 3000;

/** Ends a client: it waits for what is on its way, and a broker that does not answer does not hold it up. */
export async function endSoon(client: MqttClient): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, endMs);
  });
  await Promise.race([client.endAsync(!client.connected).catch(() => {}), late]);
  clearTimeout(timer);
  client.stream.destroy();
}
