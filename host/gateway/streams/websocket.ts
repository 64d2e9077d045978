/**
 * Frames in and outputs out over WebSocket: binary messages of wire.ts, one socket for any number of streams.
 *
 * In: the gateway's HTTP server; sockets at /v1/ws?slot=main&outputs=own (own: of streams whose frames this
 * socket sends; all; none; or names between commas).  Out: outputs as they fall due; a text message
 * `{"error": {...}}` where frames are refused. A socket that reads too slowly loses outputs, which are
 * counted; frames are never answered. Who may connect is decided by the door (http/door.ts). An error that is
 * no refusal ends its socket.
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
  /** Outputs that a slow reader did not get. */
  outputsDropped: number;
}

interface Reader {
  socket: WebSocket;
  /** Below it. */
  wire: Duplex;
}

const path = '/v1/ws';
const mostMessageBytes = 1 << 20;
const mostBufferedBytes = 1 << 20;
const pingMs = 10_000;

export interface Sockets {
  counts: SocketCounts;
  stop(): void;
}

/** Pings a socket, and ends it where nothing came since the ping before. */
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

/** The sockets that are open: takes their frames, gives them outputs. */
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

  /** @param query slot, stream and outputs, as in this file's header */
  open(reader: Reader, query: URLSearchParams): void {
    this.#guarded(reader.socket, () => this.#serve(reader, query));
  }

  /** Sends an output to all who read its stream. */
  give(output: OutputEvent): void {
    let message: Uint8Array | undefined;
    for (const { socket, wire } of this.#readers.of(output.stream)) {
      if (socket.bufferedAmount > mostBufferedBytes) {
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

  /** What is thrown on behalf of a socket ends that socket. */
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
    socket.on('error', () => {}); // closed after it
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

  /** @returns the stream that took the frames; nothing where they were refused, and the socket was told */
  #take(socket: WebSocket, query: URLSearchParams, message: Uint8Array): string | undefined {
    try {
      const { stream = query.get('stream') ?? '', from, timestampMs, bytes } = readFrames(message);
      this.#intake.take({ stream, slot: query.get('slot') ?? undefined, from, timestampMs, bytes });
      return stream;
    } catch (error) {
      if (!isRunletError(error)) throw error;
      if (socket.bufferedAmount < mostBufferedBytes) socket.send(JSON.stringify(problemOf(error).body));
      return undefined;
    }
  }
}

export function attachWebSockets({ upgrades, counts: faults }: Served, intake: Intake, log?: Logger): Sockets {
  const server = new WebSocketServer({
    noServer: true,
    maxPayload: mostMessageBytes,
    perMessageDeflate: false,
    // never what was offered beside it: that carries the token
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
