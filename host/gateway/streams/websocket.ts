/**
 * Frames in and outputs out over WebSocket: binary messages of wire.ts, one socket for any number of streams.
 *
 * In: the gateway's HTTP server; sockets at /v1/ws?slot=main&outputs=own (own: of streams whose frames this socket sends; all; none; or names between
 * commas).  Out: outputs as they fall due; a text message `{"error": {...}}` where frames are refused. A socket that reads too slowly loses outputs, which
 * are counted; frames are never answered. A page of another site cannot connect: its Origin is not this host. Where there is a token it comes as a header or,
 * from browsers, as a subprotocol (guard.ts).
 */
import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import { isRunletError } from '../../../models/error.ts';
import { checkSocketToken, socketProtocol } from '../http/guard.ts';
import { problemOf } from '../http/problem.ts';
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
const mostBufferedBytes = 4 << 20;
const pingMs = 30_000;

export interface Sockets {
  counts: SocketCounts;
  stop(): void;
}

/** A browser says which page opens a socket. */
const sameOrigin = ({ headers }: IncomingMessage): boolean =>
  headers.origin === undefined || (URL.canParse(headers.origin) && new URL(headers.origin).host === headers.host);

export function attachWebSockets(server: Server, intake: Intake, token?: string): Sockets {
  const hub = new WebSocketServer({
    noServer: true,
    maxPayload: mostMessageBytes,
    perMessageDeflate: false,
    // never what was offered beside it: that carries the token
    handleProtocols: (offered) => offered.has(socketProtocol) && socketProtocol,
  });
  const readers = new Set<Reader>();
  const counts: SocketCounts = { sockets: 0, outputsDropped: 0 };

  const refuse = (socket: Duplex, status: string) => socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\n\r\n`);
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', () => {}); // ws listens from the handshake on
    const url = new URL(request.url ?? '/', 'http://gateway');
    if (url.pathname !== path) return refuse(socket, '404 Not Found');
    if (!sameOrigin(request)) return refuse(socket, '403 Forbidden');
    try {
      const { authorization, 'sec-websocket-protocol': protocols } = request.headers;
      checkSocketToken({ authorization, protocols }, token);
    } catch {
      return refuse(socket, '401 Unauthorized');
    }
    hub.handleUpgrade(request, socket, head, (one) => serve(one, url.searchParams));
  });

  function serve(socket: WebSocket, query: URLSearchParams): void {
    const wanted = query.get('outputs') ?? 'own';
    const slot = query.get('slot') ?? undefined;
    const named = ['own', 'all', 'none'].includes(wanted) ? [] : wanted.split(',');
    const reader: Reader = { socket, all: wanted === 'all', streams: new Set(named) };
    let alive = true;
    const ping = setInterval(() => {
      if (!alive) socket.terminate();
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
    socket.on('message', (data: Buffer, binary) => {
      alive = true;
      try {
        const message = readFrames(binary ? data : new Uint8Array());
        const stream = message.stream ?? query.get('stream') ?? '';
        intake.take({ ...message, stream, slot });
        if (wanted === 'own') reader.streams.add(stream);
      } catch (error) {
        if (!isRunletError(error)) throw error;
        if (socket.bufferedAmount < mostBufferedBytes) socket.send(JSON.stringify(problemOf(error).body));
      }
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
      message ??= writeOutput(output.stream, intake.decorate(output));
      socket.send(message);
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
