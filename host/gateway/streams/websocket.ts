/**
 * Frames in and outputs out over WebSocket: binary messages of wire.ts, one socket for any number of streams.
 *
 * In: the gateway's HTTP server; sockets at /v1/ws?slot=main&outputs=own (own: of streams whose frames this socket sends; all; none; or names between
 * commas).  Out: outputs as they fall due; a text message `{"error": {...}}` where frames are refused. A socket that reads too slowly loses outputs, which
 * are counted; frames are never answered. Who may connect is decided by the door (http/door.ts).
 * An error that is no refusal ends its socket.
 */
import type { Logger } from 'pino';
import { type WebSocket, WebSocketServer } from 'ws';
import { isRunletError } from '../../../models/error.ts';
import { socketProtocol } from '../http/guard.ts';
import { problemOf } from '../http/problem.ts';
import type { Served } from '../http/serve.ts';
import type { OutputEvent } from '../hub/events.ts';
import type { Intake } from './intake.ts';
import { readFrames, writeOutput } from './wire.ts';

export interface SocketCounts {
  sockets: number;
  /** Outputs that a slow reader did not get. */
  outputsDropped: number;
}

interface Reader {
  socket: WebSocket;
  all: boolean;
  streams: Set<string>;
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
  const readers = new Set<Reader>();
  const counts: SocketCounts = { sockets: 0, outputsDropped: 0 };

  upgrades.set(path, (request, socket, head, { searchParams }) =>
    hub.handleUpgrade(request, socket, head, (one) => guarded(one, () => serve(one, searchParams))),
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

  function serve(socket: WebSocket, query: URLSearchParams): void {
    const wanted = query.get('outputs') ?? 'own';
    const slot = query.get('slot') ?? undefined;
    const named = ['own', 'all', 'none'].includes(wanted) ? [] : wanted.split(',');
    const reader: Reader = { socket, all: wanted === 'all', streams: new Set(named) };
    let alive = true;
    const ping = setInterval(() => {
      if (!alive) return socket.terminate();
      alive = false;
      socket.ping();
    }, pingMs).unref();
    readers.add(reader);
    counts.sockets++;
    socket.on('pong', () => {
      alive = true;
    });
    socket.on('error', () => {}); // closed after it
    socket.on('close', () => {
      clearInterval(ping);
      readers.delete(reader);
      counts.sockets--;
    });
    const take = (data: Buffer, binary: boolean) => {
      try {
        const message = readFrames(binary ? data : new Uint8Array());
        const stream = message.stream ?? query.get('stream') ?? '';
        intake.take({ ...message, stream, slot });
        if (wanted === 'own') reader.streams.add(stream);
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
    for (const { socket, all, streams } of readers) {
      if (!all && !streams.has(output.stream)) continue;
      if (socket.bufferedAmount > mostBufferedBytes) {
        counts.outputsDropped++;
        continue;
      }
      guarded(socket, () => {
        message ??= writeOutput(output.stream, intake.decorate(output));
        socket.send(message);
      });
    }
  });
  return {
    counts,
    stop: () => {
      stop();
      for (const { socket } of readers) socket.close(1001);
      hub.close();
    },
  };
}
