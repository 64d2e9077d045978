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

export function attachWebSockets({ upgrades, counts: faults }: Served, intake: Intake, log?: Logger): Sockets {
  const hub = new WebSocketServer({
    noServer: true,
    maxPayload: mostMessageBytes,
    perMessageDeflate: false,
    // never what was offered beside it: that carries the token
    handleProtocols: (offered) => offered.has(socketProtocol) && socketProtocol,
  });
  const sockets = new Set<Reader>();
  /** Who reads a stream, by its name; and who reads all. */
  const readers = new Map<string, Set<Reader>>();
  const readersOfAll = new Set<Reader>();
  const counts: SocketCounts = { sockets: 0, outputsDropped: 0 };

  upgrades.set(path, (request, socket, head, { searchParams }) =>
    hub.handleUpgrade(request, socket, head, (one) => guarded(one, () => serve({ socket: one, wire: socket }, searchParams))),
  );

  /** What is thrown on behalf of a socket ends that socket. */
  function guarded(socket: WebSocket, run: () => void): void {
    try {
      run();
    } catch (error) {
      faults.faults++;
      log?.error({ err: error }, 'fault of a WebSocket');
      socket.close(1011);
    }
  }

  function serve(reader: Reader, query: URLSearchParams): void {
    const { socket } = reader;
    const wanted = query.get('outputs') ?? 'own';
    const slot = query.get('slot') ?? undefined;
    const named = ['own', 'all', 'none'].includes(wanted) ? [] : wanted.split(',');
    const streams = new Set<string>();
    const read = (stream: string) => {
      if (streams.has(stream)) return;
      streams.add(stream);
      const all = readers.get(stream) ?? new Set();
      readers.set(stream, all.add(reader));
    };
    for (const stream of named) read(stream);
    if (wanted === 'all') readersOfAll.add(reader);
    let alive = true;
    const ping = setInterval(() => {
      if (!alive) return socket.terminate();
      alive = false;
      socket.ping();
    }, pingMs).unref();
    sockets.add(reader);
    counts.sockets++;
    socket.on('pong', () => {
      alive = true;
    });
    socket.on('error', () => {}); // closed after it
    socket.on('close', () => {
      clearInterval(ping);
      sockets.delete(reader);
      readersOfAll.delete(reader);
      for (const stream of streams) {
        const all = readers.get(stream);
        if (all?.delete(reader) && all.size === 0) readers.delete(stream);
      }
      counts.sockets--;
    });
    const take = (data: Buffer, binary: boolean) => {
      try {
        const { stream = query.get('stream') ?? '', from, timestampMs, bytes } = readFrames(binary ? data : new Uint8Array());
        intake.take({ stream, slot, from, timestampMs, bytes });
        if (wanted === 'own') read(stream);
      } catch (error) {
        if (!isRunletError(error)) throw error;
        if (socket.bufferedAmount < mostBufferedBytes) socket.send(JSON.stringify(problemOf(error).body));
      }
    };
    socket.on('message', (data: Buffer, binary) => {
      alive = true;
      guarded(socket, () => take(data, binary));
    });
  }

  const stop = intake.gateway.events.on('output', (output: OutputEvent) => {
    let message: Uint8Array | undefined;
    const give = ({ socket, wire }: Reader) => {
      if (socket.bufferedAmount > mostBufferedBytes) {
        counts.outputsDropped++;
        return;
      }
      guarded(socket, () => {
        message ??= writeOutput(output.stream, intake.decorate(output));
        together(wire);
        socket.send(message);
      });
    };
    for (const reader of readers.get(output.stream) ?? []) give(reader);
    for (const reader of readersOfAll) give(reader);
  });
  return {
    counts,
    stop: () => {
      stop();
      for (const { socket } of sockets) socket.close(1001);
      hub.close();
    },
  };
}
