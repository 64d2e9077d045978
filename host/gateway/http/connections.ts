/**
 * The connections of the listening port: how many there may be, and which one goes when there are too many.
 *
 * In: sockets as they are accepted.  Out: the same, or destroyed. Who has said the token stays; the oldest of
 * the others makes room for a new one, so that a flood of strangers displaces strangers. Where all have said
 * it the new one is turned away. Bound: `max` sockets, whatever becomes of them later.
 */
import { readFileSync } from 'node:fs';
import type { Socket } from 'node:net';

type Peer = Pick<Socket, 'remoteAddress' | 'remotePort'>;

/** Of a TLS connection both its own socket and the one below have the same. */
const keyOf = ({ remoteAddress, remotePort }: Peer): string => `${remoteAddress} ${remotePort}`;

/** Files that the gateway itself needs open: bundles, uploads, threads, other wires. */
const reservedFiles = 128;
const usualConnections = 1024;

/** What the limit of open files leaves, where it is low. */
export function maxConnections(): number {
  try {
    const limit = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
    return Math.max(16, Math.min(usualConnections, Number(limit ?? Number.POSITIVE_INFINITY) - reservedFiles));
  } catch {
    return usualConnections; // the limit is told on Linux alone
  }
}

export class Connections {
  /** Both in the order in which they came. */
  readonly #strangers = new Map<string, Socket>();
  readonly #trusted = new Map<string, Socket>();
  readonly max: number;
  /** Connections that made room, or were turned away. */
  dropped = 0;

  constructor(max = maxConnections()) {
    this.max = max;
  }

  get size(): number {
    return this.#strangers.size + this.#trusted.size;
  }

  add(socket: Socket): void {
    // it has gone already
    if (socket.remoteAddress === undefined) return void socket.destroy();
    const key = keyOf(socket);
    socket.on('error', () => {}); // closed after it
    if (this.size >= this.max) this.#makeRoom();
    if (this.size >= this.max) {
      this.dropped++;
      return void socket.destroy();
    }
    this.#strangers.set(key, socket);
    socket.once('close', () => {
      for (const all of [this.#strangers, this.#trusted]) if (all.get(key) === socket) all.delete(key);
    });
  }

  #makeRoom(): void {
    for (const [key, oldest] of this.#strangers) {
      this.#strangers.delete(key);
      this.dropped++;
      oldest.destroy();
      return;
    }
  }

  /** It has said the token. */
  trust(peer: Peer): void {
    const key = keyOf(peer);
    const socket = this.#strangers.get(key);
    if (!socket) return;
    this.#strangers.delete(key);
    this.#trusted.set(key, socket);
  }

  destroyAll(): void {
    for (const socket of [...this.#strangers.values(), ...this.#trusted.values()]) socket.destroy();
  }
}
