/**
 * Connections of the listening port, with an upper bound and a rule for which one is closed when it is
 * reached.
 *
 * In: accepted sockets.  Out: at most `max` open sockets; others are destroyed.
 * Rule: connections that have sent a valid token (trusted) stay. The oldest of the others (strangers) is
 * closed for a new one, so that a flood of strangers displaces only strangers. If all are trusted, the new
 * connection is closed.
 */
import { readFileSync } from 'node:fs';
import type { Socket } from 'node:net';

type Peer = Pick<Socket, 'remoteAddress' | 'remotePort'>;

/** Returns the key of a connection, which is the same for a TLS socket and the TCP socket under it. */
const keyOf = ({ remoteAddress, remotePort }: Peer): string => `${remoteAddress} ${remotePort}`;

/** Number of open files that the gateway itself needs: bundles, uploads, threads, other wires. A choice. */
const reservedFiles = 128;
const usualConnections = 1024;

/** Returns the default upper bound: 1024 connections, or fewer if the limit of open files is low. */
function maxConnections(): number {
  try {
    const limit = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
    return Math.max(16, Math.min(usualConnections, Number(limit ?? Number.POSITIVE_INFINITY) - reservedFiles));
  } catch {
    return usualConnections; // only Linux shows the limit
  }
}

export class Connections {
  /** Both maps are in the order of arrival. */
  readonly #strangers = new Map<string, Socket>();
  readonly #trusted = new Map<string, Socket>();
  readonly max: number;
  /** Number of connections that were closed because of the upper bound. */
  dropped = 0;

  constructor(max = maxConnections()) {
    this.max = max;
  }

  get size(): number {
    return this.#strangers.size + this.#trusted.size;
  }

  add(socket: Socket): void {
    // the socket is already closed
    if (socket.remoteAddress === undefined) return void socket.destroy();
    const key = keyOf(socket);
    socket.on('error', () => {}); // the event 'close' follows
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

  /** Marks a connection as trusted. */
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
