/**
 * The gateway over HTTP: uploads, trials, frames and outputs (docs/gateway.md has the wire).
 *
 * In: a Gateway.  Out: a Hono app; it is given requests by serve.ts once the door (door.ts) let them in, or
 * by a test. Pages and metrics add their routes to it.
 */
import { type Context, Hono } from 'hono';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import type { Logger } from 'pino';
import * as v from 'valibot';
import { isRunletError } from '../../../models/error.ts';
import { checkName, type Gateway } from '../gateway.ts';
import { trialOptionsSchema } from '../hub/trial-options.ts';
import type { Uploads } from '../store/uploads.ts';
import { sendEvents } from './events.ts';
import { badRequest, problemOf, wholeNumber } from './problem.ts';

export interface AppOptions {
  gateway: Gateway;
  log: Logger;
}

/** Frames of one request. */
const mostFrameBytes = 1 << 20;
const mostJsonBytes = 4096;

async function* piecesOf(c: Context): AsyncGenerator<Uint8Array> {
  const { body } = c.req.raw;
  if (body) for await (const piece of body) yield piece;
}

/** A request's body, which is refused before it is read where it says that it is too large. @throws RN814 */
async function bodyOf(c: Context, most: number): Promise<Uint8Array> {
  const tooLarge = (bytes: number) => badRequest('the request is too large', c.req.path, `${bytes} bytes, and ${most} are taken`);
  const said = wholeNumber(c.req.header('content-length'), 'Content-Length') ?? 0;
  if (said > most) throw tooLarge(said);
  const parts: Uint8Array[] = [];
  let total = 0;
  for await (const piece of piecesOf(c)) {
    total += piece.length;
    if (total > most) throw tooLarge(total);
    parts.push(piece);
  }
  const bytes = new Uint8Array(total);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** @throws RN814 */
async function trialOptions(c: Context): Promise<v.InferOutput<typeof trialOptionsSchema>> {
  const bytes = await bodyOf(c, mostJsonBytes);
  if (bytes.length === 0) return {};
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder().decode(bytes));
  } catch (error) {
    throw badRequest('the body is not JSON', c.req.path, (error as Error).message);
  }
  const found = v.safeParse(trialOptionsSchema, value);
  if (found.success) return found.output;
  throw badRequest('the body has a field that is of no use', c.req.path, v.summarize(found.issues).replace(/\n\s*/g, ' '));
}

/**
 * Where a piece begins: Upload-Offset: 0 (tus), or Content-Range: 0-1023 or bytes 0-1023/4096 (OCI). @throws
 * RN814
 */
function pieceStart(c: Context): number | undefined {
  const offset = wholeNumber(c.req.header('upload-offset'), 'Upload-Offset');
  const range = c.req.header('content-range');
  if (offset !== undefined || range === undefined) return offset;
  const start = /^(?:bytes )?(\d+)-\d+(?:\/(?:\d+|\*))?$/.exec(range)?.[1];
  if (start === undefined) throw badRequest('this is no range', 'Content-Range', JSON.stringify(range.slice(0, 40)));
  return Number(start);
}

export interface GatewayApp {
  app: Hono;
  uploads: Uploads;
}

export function gatewayApp({ gateway, log }: AppOptions): GatewayApp {
  const app = new Hono();
  const { uploads } = gateway;

  app.onError((error, c) => {
    const { status, fields, body } = problemOf(error);
    const { code, what, why } = body.error;
    if (!isRunletError(error)) log.error({ err: error, path: c.req.path }, 'fault');
    else log.warn({ code, what, why, path: c.req.path, method: c.req.method }, 'refused');
    return c.json(body, status as ContentfulStatusCode, fields);
  });
  app.notFound((c) => c.json(problemOf(badRequest('there is nothing here', c.req.path)).body, 404));
  app.use(async (c, next) => {
    await next();
    if (gateway.policy.insecureUnsigned) c.header('Runlet-Insecure', 'unsigned bundles are taken');
  });

  app.get('/healthz', (c) => c.json({ ok: true }));
  app.get('/readyz', (c) => {
    const ready = [...gateway.slots.values()].some(({ active }) => active);
    return c.json({ ready, safeMode: gateway.store.state.safeMode }, ready ? 200 : 503);
  });

  app.post('/v1/uploads', async (c) => {
    const id = await uploads.begin(
      checkName('slot', c.req.query('slot') ?? 'main'),
      wholeNumber(c.req.header('upload-length'), 'Upload-Length'),
    );
    const location = `/v1/uploads/${id}`;
    return c.json({ location, offset: 0 }, 201, { Location: location, 'Upload-Offset': '0' });
  });
  app.get('/v1/uploads/:id', (c) => {
    const offset = uploads.offset(c.req.param('id'));
    return c.body(null, 204, { 'Upload-Offset': `${offset}`, Range: `0-${Math.max(0, offset - 1)}` });
  });
  app.patch('/v1/uploads/:id', async (c) => {
    const offset = await uploads.append(c.req.param('id'), piecesOf(c), pieceStart(c));
    return c.json({ offset }, 202, { 'Upload-Offset': `${offset}`, Range: `0-${Math.max(0, offset - 1)}` });
  });
  app.delete('/v1/uploads/:id', async (c) => {
    await uploads.remove(c.req.param('id'));
    return c.body(null, 204);
  });
  app.put('/v1/uploads/:id', async (c) => {
    const id = c.req.param('id');
    const digest = /^sha256:([0-9a-f]{64})$/.exec(c.req.query('digest') ?? '')?.[1];
    if (!digest) throw badRequest('the digest is missing', 'query, digest', 'it is sha256: and 64 lower-case hex digits');
    await uploads.append(id, piecesOf(c), pieceStart(c));
    return uploads.finish(id, async ({ slot, bytes }) => {
      if (c.req.query('dryRun') === 'true') return c.json(await gateway.examine(bytes, digest, slot));
      return c.json({ slot, staged: await gateway.receive(bytes, digest, slot) }, 201);
    });
  });

  app.get('/v1/status', (c) => c.json(gateway.status()));
  app.post('/v1/safe-mode/leave', async (c) => {
    await gateway.store.leaveSafeMode();
    return c.json(gateway.status());
  });
  app.get('/v1/slots/:slot', (c) => c.json(gateway.slotStatus(c.req.param('slot'))));
  app.post('/v1/slots/:slot/trial', async (c) => {
    const slot = gateway.find(c.req.param('slot'));
    const trial = await slot.begin(await trialOptions(c));
    trial.done.catch((error: unknown) => log.error({ err: error, slot: slot.name }, 'trial'));
    return c.json(gateway.slotStatus(slot.name), 202);
  });
  app.post('/v1/slots/:slot/confirm', async (c) => c.json(await gateway.confirm(c.req.param('slot'))));
  app.post('/v1/slots/:slot/rollback', async (c) => {
    await gateway.rollBack(c.req.param('slot'));
    return c.json(gateway.slotStatus(c.req.param('slot')));
  });

  app.get('/v1/streams', (c) => c.json(gateway.streamStatus()));
  app.post('/v1/streams/:id/frames', async (c) => {
    const from = wholeNumber(c.req.query('from'), 'query, from');
    const timestampMs = wholeNumber(c.req.query('timestampMs'), 'query, timestampMs');
    const bytes = await bodyOf(c, mostFrameBytes);
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
  app.get('/v1/events', (c) =>
    sendEvents(c, (send) => {
      const ends = (['step', 'trial', 'refused', 'stream', 'overload'] as const).map((event) =>
        gateway.events.on(event, (data) => send({ event, data: JSON.stringify(data) })),
      );
      return () => {
        for (const end of ends) end();
      };
    }),
  );
  return { app, uploads };
}
