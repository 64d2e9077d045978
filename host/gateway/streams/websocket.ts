/**
 * WebSocket wire: takes frames and sends outputs as binary messages of wire.ts. One socket serves any number
 * of streams.
 *
 * In: the gateway's HTTP server; sockets at /v1/ws?slot=main&outputs=own. `outputs` selects the streams whose
 * outputs the socket receives: own (those whose frames it sends), all, none, or names separated by commas.
 * Out: outputs; a text message `{"error": {...}}` if frames are refused; no answer to accepted frames.
 * Errors: any exception that is not a refusal closes the socket. http/door.ts decides who may connect.
 * A socket that reads too slowly loses outputs, which are counted.
 */
import type { Duplex } from 'node:stream';
import type { Logger } from 'pino';
import { type WebSocket, WebSocketServer } from 'ws';
import { isRunletError } from '../../../models/error.ts';
import { socketProtocol } from '../http/guard.ts';
import { problemOf } from '../http/problem.ts';
import type { Served } from '../http/serve.ts';
import type { OutputEvent } from '../hub/events.ts';
import type { Intake } from './intake.ts';
import { Readers } from './readers.ts';
import { together } from './together.ts';
import { readFrames, writeOutput } from './wire.ts';

export interface SocketCounts {
  sockets: number;
  /** Outputs that were dropped because a reader was too slow. */
  outputsDropped: number;
}

interface Reader {
  socket: WebSocket;
  /** The TCP or TLS socket under the WebSocket. */
  wire: Duplex;
}

const path = '/v1/ws';
const maxMessageBytes = 1 << 20;
/** Size of a socket's send buffer above which its outputs are dropped, in bytes. A choice. */
const maxBufferedBytes = 1 << 20;
const pingMs = 10_000;

export interface Sockets {
  counts: SocketCounts;
  stop(): void;
}

/** Pings a socket, and terminates it if nothing has arrived since the previous ping. */
function keepAlive(socket: WebSocket): void {
  let alive = true;
  const ping = setInterval(() => {
    if (!alive) return socket.terminate();
    alive = false;
    socket.ping();
  }, pingMs).unref();
  const seen = () => {
    alive = true;
  };
  socket.on('pong', seen);
  socket.on('message', seen);
  socket.on('close', () => clearInterval(ping));
}

/** The open sockets: takes their frames and sends them outputs. */
class Hub {
  readonly counts: SocketCounts = { sockets: 0, outputsDropped: 0 };
  readonly #intake: Intake;
  readonly #faults: Served['counts'];
  readonly #log?: Logger;
  readonly #sockets = new Set<Reader>();
  readonly #readers = new Readers<Reader>();

  constructor(intake: Intake, faults: Served['counts'], log?: Logger) {
    this.#intake = intake;
    this.#faults = faults;
    this.#log = log;
  }

  /** Starts to serve a socket. @param query slot, stream and outputs, as in this file's header. */
  open(reader: Reader, query: URLSearchParams): void {
    this.#guarded(reader.socket, () => this.#serve(reader, query));
  }

  /** Sends an output to all readers of its stream. */
  give(output: OutputEvent): void {
    let message: Uint8Array | undefined;
    for (const { socket, wire } of this.#readers.of(output.stream)) {
      if (socket.bufferedAmount > maxBufferedBytes) {
        this.counts.outputsDropped++;
        continue;
      }
      this.#guarded(socket, () => {
        message ??= writeOutput(output.stream, this.#intake.decorate(output));
        together(wire);
        socket.send(message);
      });
    }
  }

  close(): void {
    for (const { socket } of this.#sockets) socket.close(1001);
  }

  /** Runs code for a socket; an exception closes that socket. */
  #guarded(socket: WebSocket, run: () => void): void {
    try {
      run();
    } catch (error) {
      this.#faults.faults++;
      this.#log?.error({ err: error }, 'fault of a WebSocket');
      socket.close(1011);
    }
  }

  #serve(reader: Reader, query: URLSearchParams): void {
    const { socket } = reader;
    const wanted = query.get('outputs') ?? 'own';
    const named = ['own', 'all', 'none'].includes(wanted) ? [] : wanted.split(',');
    for (const stream of named) this.#readers.read(reader, stream);
    if (wanted === 'all') this.#readers.readAll(reader);
    this.#sockets.add(reader);
    this.counts.sockets++;
    keepAlive(socket);
    socket.on('error', () => {}); // the event 'close' follows
    socket.on('close', () => {
      this.#sockets.delete(reader);
      this.#readers.leave(reader);
      this.counts.sockets--;
    });
    socket.on('message', (data: Buffer, binary) =>
      this.#guarded(socket, () => {
        const stream = this.#take(socket, query, binary ? data : new Uint8Array());
        if (stream !== undefined && wanted === 'own') this.#readers.read(reader, stream);
      }),
    );
  }

  /** Takes a message. @returns its stream, or undefined if it was refused and the socket got an error. */
  #take(socket: WebSocket, query: URLSearchParams, message: Uint8Array): string | undefined {
    try {
      const { stream = query.get('stream') ?? '', ...frames } = readFrames(message);
      this.#intake.take({ ...frames, stream, slot: query.get('slot') ?? undefined });
      return stream;
    } catch (error) {
      if (!isRunletError(error)) throw error;
      if (socket.bufferedAmount < maxBufferedBytes) socket.send(JSON.stringify(problemOf(error).body));
      return undefined;
    }
  }
}

export function attachWebSockets({ upgrades, counts: faults }: Served, intake: Intake, log?: Logger): Sockets {
  const server = new WebSocketServer({
    noServer: true,
    maxPayload: maxMessageBytes,
    perMessageDeflate: false,
    // never echo the second protocol that a client offers, because it contains the token
    handleProtocols: (offered) => offered.has(socketProtocol) && socketProtocol,
  });
  const hub = new Hub(intake, faults, log);
  upgrades.set(path, (request, socket, head, { searchParams }) =>
    server.handleUpgrade(request, socket, head, (one) => hub.open({ socket: one, wire: socket }, searchParams)),
  );
  const stop = intake.gateway.events.on('output', (output: OutputEvent) => hub.give(output));
  return {
    counts: hub.counts,
    stop: () => {
      stop();
      hub.close();
      server.close();
    },
  };
}
