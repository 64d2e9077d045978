/**
 * MQTT client for a broker that is not trusted: the size of packets is checked before they are buffered, and
 * no exception in a callback ends the process.
 *
 * In: an address, a limit, a handler of messages.  Out: a client of mqtt.js, which reconnects automatically.
 * Rule: a connection first offers MQTT 5, where the broker itself drops larger packets (maximumPacketSize).
 * If the broker refuses MQTT 5 (aedes does), the client uses 3.1.1; a larger packet then ends the connection
 * (RN878).
 */
import { connect, type IClientOptions, type MqttClient, Store } from 'mqtt';
import type { TlsParts } from '../../remote/certificates.ts';
import { guardPackets, type PacketRule, packetTypes } from './gate.ts';

export interface MqttClientOptions extends Pick<IClientOptions, 'clientId' | 'username' | 'password' | 'will' | 'keepalive'> {
  url: string;
  tls?: TlsParts;
  /** Size of the largest accepted packet, in bytes. */
  maxPacketBytes: number;
  message: (topic: string, payload: Uint8Array, packet: { retain: boolean }) => void;
  /** Called for an error of the connection, once per cause until it is connected again. */
  trouble: (error: Error) => void;
  /** Called for an exception in a handler, which is a bug of this program. */
  fault: (error: unknown) => void;
}

const schemes = new Set(['mqtt:', 'mqtts:', 'ws:', 'wss:']);
/** CONNACK codes for an unacceptable protocol version: 1 in MQTT 3.1.1, 132 in MQTT 5. */
const v5Refused = new Set([1, 132]);

export const isBrokerUrl = (url: string): boolean => URL.canParse(url) && schemes.has(new URL(url).protocol);

/**
 * Wraps a listener so that it never throws. mqtt.js calls listeners inside a stream's write, where an
 * exception would end the process.
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

/**
 * Leaves messages of QoS 2 and their releases unanswered: none was requested, and their connection ends (rule
 * below). mqtt.js would answer before that. It throws for a packet without an identifier, which would end
 * the process.
 */
class Unanswered extends Store {
  override put(): this {
    return this;
  }

  override get(): this {
    return this;
  }
}

export function openMqtt({ url, tls, maxPacketBytes, message, trouble, fault, ...options }: MqttClientOptions): MqttClient {
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
    incomingStore: new Unanswered(),
    properties: { maximumPacketSize: maxPacketBytes },
    wsOptions: { maxPayload: maxPacketBytes, followRedirects: false, perMessageDeflate: false },
    ...(tls && { ca: buffer(tls.ca), cert: buffer(tls.cert), key: buffer(tls.key) }),
  });
  const rule: PacketRule = ({ type, flags, bytes }) => {
    if (bytes > maxPacketBytes) return `a packet has ${bytes} bytes, and at most ${maxPacketBytes} are accepted`;
    // no subscription has QoS 2, whose messages would stay in memory until the broker releases them
    const isQos2 = type === packetTypes.pubrel || (type === packetTypes.publish && (flags & 6) === 4);
    return isQos2 ? 'a message has QoS 2, which was not requested' : undefined;
  };
  const watch = () => guardPackets(client.stream, new URL(url).host, rule);
  watch();
  // each connection has a new stream, and CONNECT is its first packet
  client.on('packetsend', ({ cmd }) => cmd === 'connect' && watch());
  let lastError = '';
  client.on('connect', () => {
    lastError = '';
  });
  client.on(
    'error',
    guarded((error) => {
      if (client.options.protocolVersion === 5 && v5Refused.has((error as { code?: number }).code as number)) {
        client.options.protocolVersion = 4;
        return;
      }
      const why = error.message || String((error as { code?: string }).code);
      if (why !== lastError) trouble(error);
      lastError = why;
    }, fault),
  );
  client.on('message', guarded(message, fault));
  // mqtt.js acknowledges a message after this call
  client.handleMessage = ({ qos, messageId = 0 }, done) => {
    if (qos === 0 || messageId > 0) done();
    else client.stream.destroy(new Error('a message has no identifier'));
  };
  return client;
}

const endMs = 3000;

/** Ends a client. Waits for packets in flight, but at most endMs if the broker does not answer. */
export async function endSoon(client: MqttClient): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, endMs);
  });
  await Promise.race([client.endAsync(!client.connected).catch(() => {}), late]);
  clearTimeout(timer);
  client.stream.destroy();
}
