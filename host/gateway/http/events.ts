/**
 * Server-sent events: sends outputs of a stream and events of the gateway to clients that may be slow.
 *
 * In: a request's context, a function that listens.  Out: a response that lasts until the client disconnects.
 * A client that is more than `maxWaiting` events behind is disconnected. It can reconnect with Last-Event-ID.
 */
import type { HttpBindings } from '@hono/node-server';
import type { Context } from 'hono';
import { streamSSE } from 'hono/streaming';

export interface ServerEvent {
  event: string;
  id?: string;
  data: string;
}

/** Largest number of events that wait for one client. A choice. */
const maxWaiting = 4096;
const keepAliveMs = 15_000;

/**
 * Sends events until the response or its socket closes. Both are watched: a HEAD response has no body reader
 * that could abort, and a response that waits in a pipeline gets no event when the socket closes.
 * @param listen gets a function that sends an event, and returns a function that stops listening.
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
    const watched = [outgoing, incoming?.socket].filter((one) => one !== undefined);
    for (const one of watched) one.once('close', abort);
    if (watched.some(({ destroyed }) => destroyed)) abort();
    const stop = listen((event) => {
      if (waiting.push(event) > maxWaiting) end();
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
      for (const one of watched) one.off('close', abort);
    }
  });
}
