/** MQTT 3.1.1 packets as bytes, for tests that send what no client would; and raw sockets. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

const encoder = new TextEncoder();
const u16 = (n: number): number[] => [n >> 8, n & 255];
const utf8 = (text: string | Uint8Array): number[] => {
  const bytes = typeof text === 'string' ? encoder.encode(text) : text;
  return [...u16(bytes.length), ...bytes];
};

/** Encodes the remaining length. Source: MQTT 3.1.1 section 2.2.3. */
export function lengthOf(n: number): number[] {
  const low = n % 128;
  return n < 128 ? [low] : [low + 128, ...lengthOf(Math.floor(n / 128))];
}

export const packet = (first: number, body: ArrayLike<number>): Uint8Array =>
  Uint8Array.from([first, ...lengthOf(body.length), ...Array.from(body)]);

interface Connect {
  id?: string;
  clean?: boolean;
  keepalive?: number;
  will?: { topic: string; payload: Uint8Array };
  password?: string;
}

export function connectPacket({ id = 'raw', clean = true, keepalive = 60, will, password }: Connect = {}): Uint8Array {
  const flags = (clean ? 2 : 0) | (will ? 4 : 0) | (password === undefined ? 0 : 0xc0);
  const rest = [
    ...(will ? [...utf8(will.topic), ...utf8(will.payload)] : []),
    ...(password ? [...utf8('name'), ...utf8(password)] : []),
  ];
  return packet(0x10, [...utf8('MQTT'), 4, flags, ...u16(keepalive), ...utf8(id), ...rest]);
}

interface Publish {
  topic: string;
  payload?: Uint8Array;
  qos?: 0 | 1 | 2;
  retain?: boolean;
  id?: number;
}

export function publishPacket({ topic, payload = new Uint8Array(), qos = 0, retain = false, id = 1 }: Publish): Uint8Array {
  const head = [...utf8(topic), ...(qos > 0 ? u16(id) : [])];
  const body = new Uint8Array(head.length + payload.length);
  body.set(head);
  body.set(payload, head.length);
  const first = Uint8Array.from([0x30 | (qos << 1) | (retain ? 1 : 0), ...lengthOf(body.length)]);
  return new Uint8Array(Buffer.concat([first, body]));
}

export const subscribePacket = (...topics: string[]): Uint8Array =>
  packet(0x82, [...u16(1), ...topics.flatMap((topic) => [...utf8(topic), 0])]);

export const connack = packet(0x20, [0, 0]);
/** Answer of a broker without MQTT 5. */
export const connackRefused = packet(0x20, [0, 1]);

/** Opens a raw socket. @returns it, a promise of its end, and the bytes received so far */
export async function rawSocket(port: number): Promise<{ socket: Socket; ended: Promise<void>; received: () => Buffer }> {
  const socket = connect(port, '127.0.0.1');
  const parts: Buffer[] = [];
  socket.on('data', (part) => parts.push(part));
  socket.on('error', () => {});
  const ended = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  await Promise.race([once(socket, 'connect'), ended]);
  return { socket, ended, received: () => Buffer.concat(parts) };
}
