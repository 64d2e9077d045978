/**
 * Routes of streams: frames, outputs, and the events of the gateway.
 *
 * In: frames as bytes; for outputs and events, a request that stays open.  Out: the number of the next frame;
 * server-sent events. Outputs begin after Last-Event-ID, if they are still in the log.
 */
import type { Hono } from 'hono';
import type { Gateway } from '../gateway.ts';
import { sendEvents } from './events.ts';
import { wholeNumber } from './problem.ts';
import { bodyOf, maxFrameBytes } from './request.ts';

export function addStreamRoutes(app: Hono, gateway: Gateway): void {
  app.get('/v1/streams', (c) => c.json(gateway.streamStatus()));
  app.post('/v1/streams/:id/frames', async (c) => {
    const from = wholeNumber(c.req.query('from'), 'query, from');
    const timestampMs = wholeNumber(c.req.query('timestampMs'), 'query, timestampMs');
    const bytes = await bodyOf(c, maxFrameBytes);
    return c.json({ next: gateway.push(c.req.param('id'), bytes, { slot: c.req.query('slot'), from, timestampMs }) }, 202);
  });
  app.delete('/v1/streams/:id', (c) => {
    gateway.closeStream(c.req.param('id'));
    return c.body(null, 204);
  });
  app.get('/v1/streams/:id/outputs', (c) => {
    const id = c.req.param('id');
    const after = wholeNumber(c.req.header('last-event-id') ?? c.req.query('after'), 'Last-Event-ID') ?? -1;
    return sendEvents(c, (send) => {
      let last = after;
      const one = ({ sequence, frame, digest, values, latencyMs, timestampMs, filled }: (typeof kept)[number]) => {
        if (sequence <= last) return;
        last = sequence;
        const plain = values.map((part) => [...part]);
        const data = { sequence, frame, digest: digest.slice(0, 12), values: plain, latencyMs, timestampMs, filled };
        send({ event: 'output', id: `${sequence}`, data: JSON.stringify(data) });
      };
      const kept = gateway.streams.has(id) ? gateway.outputs(id, after) : [];
      for (const output of kept) one(output);
      return gateway.events.on('output', (output) => output.stream === id && one(output));
    });
  });
}

/** Adds the route of the gateway's events, without the outputs of streams. */
export function addEventRoute(app: Hono, { events }: Gateway): void {
  app.get('/v1/events', (c) =>
    sendEvents(c, (send) => {
      const ends = (['step', 'trial', 'refused', 'stream', 'overload'] as const).map((event) =>
        events.on(event, (data) => send({ event, data: JSON.stringify(data) })),
      );
      return () => {
        for (const end of ends) end();
      };
    }),
  );
}
