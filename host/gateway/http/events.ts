/**
 * Server-sent events: outputs of a stream, and what happens in the gateway, to clients that may be slow.
 *
 * In: a context, how to listen.  Out: a response that lives until the client goes. A client that is more than
 * `mostWaiting` events behind is cut off; it comes back with Last-Event-ID.
 */
import type { HttpBindings } from '@hono/node-server';
import type { Context } from 'hono';
import { streamSSE } from 'hono/streaming';

export interface ServerEvent {
  event: string;
  id?: string;
  data: string;
}

const mostWaiting = 4096;
const keepAliveMs = 15_000;

/**
 * `listen` is given what sends an event, and returns what ends it. It is ended with the response or its
 * socket. The body's reader would not do: the body of a HEAD request has none. The response alone would not
 * do: one that waits for its turn (pipelining) is not told that the socket has closed.
 */
export function sendEvents(c: Context, listen: (send: (event: ServerEvent) => void) => () => void): Response {
  return streamSSE(c, async (stream) => {
    const waiting: ServerEvent[] = [];
    let wake = () => {};
    let open = true;
    const end = () => {
      open = false;
      wake();
    };
    stream.onAbort(end);
    const { incoming, outgoing } = (c.env ?? {}) as Partial<HttpBindings>; // a test has neither
    const abort = () => stream.abort();
    const lives = [outgoing, incoming?.socket].filter((life) => life !== undefined);
    for (const life of lives) life.once('close', abort);
    if (lives.some(({ destroyed }) => destroyed)) abort();
    const stop = listen((event) => {
      if (waiting.push(event) > mostWaiting) end();
      wake();
    });
    try {
      while (open) {
        if (waiting.length === 0) {
          const timer = await new Promise<'event' | 'time'>((resolve) => {
            const id = setTimeout(() => resolve('time'), keepAliveMs);
            wake = () => {
              clearTimeout(id);
              resolve('event');
            };
          });
          if (timer === 'time') await stream.write(': \n\n');
          continue;
        }
        for (const event of waiting.splice(0)) await stream.writeSSE(event);
      }
    } finally {
      stop();
      for (const life of lives) life.off('close', abort);
    }
  });
}
