/**
 * HTTP app of the gateway: uploads, trials, frames and outputs (requests: docs/gateway.md).
 *
 * In: a Gateway.  Out: a Hono app. It gets requests from serve.ts, after the door (door.ts) has admitted
 * them, or from a test. The page and the metrics add their routes to it.
 */
import { Hono } from 'hono';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import type { Logger } from 'pino';
import { isRunletError } from '../../../models/error.ts';
import type { Gateway } from '../gateway.ts';
import type { Uploads } from '../store/uploads.ts';
import { addCollectionRoutes } from './collection-routes.ts';
import { addDriftRoutes } from './drift-routes.ts';
import { addJudgementRoutes } from './judgement-routes.ts';
import { badRequest, problemOf } from './problem.ts';
import { addSlotRoutes } from './slot-routes.ts';
import { addEventRoute, addStreamRoutes } from './stream-routes.ts';
import { addUploadRoutes } from './upload-routes.ts';

export interface AppOptions {
  gateway: Gateway;
  log: Logger;
}

export interface GatewayApp {
  app: Hono;
  uploads: Uploads;
  /** Checks of /readyz; the wires add theirs. */
  health: HealthChecks;
}

/** Checks whether a part of the gateway is ready, by its name in the answer. */
export type HealthChecks = Map<string, () => { ready: boolean }>;

/** Adds error responses, and the header of a gateway that accepts unsigned bundles. */
function addAnswers(app: Hono, gateway: Gateway, log: Logger): void {
  app.onError((error, c) => {
    const { status, fields, body } = problemOf(error);
    const { code, what, why } = body.error;
    if (!isRunletError(error)) log.error({ err: error, path: c.req.path }, 'fault');
    else log.warn({ code, what, why, path: c.req.path, method: c.req.method }, 'refused');
    return c.json(body, status as ContentfulStatusCode, fields);
  });
  app.notFound((c) => c.json(problemOf(badRequest('this path does not exist', c.req.path)).body, 404));
  app.use(async (c, next) => {
    await next();
    if (gateway.policy.insecureUnsigned) c.header('Runlet-Insecure', 'unsigned bundles are accepted');
  });
}

function addHealthRoutes(app: Hono, gateway: Gateway): HealthChecks {
  const checks: HealthChecks = new Map();
  app.get('/healthz', (c) => c.json({ ok: true }));
  app.get('/readyz', (c) => {
    const parts = [...checks].map(([name, check]) => [name, check()] as const);
    const ready = [...gateway.slots.values()].some(({ active }) => active) && parts.every(([, part]) => part.ready);
    return c.json({ ready, safeMode: gateway.store.state.safeMode, ...Object.fromEntries(parts) }, ready ? 200 : 503);
  });
  return checks;
}

export function gatewayApp({ gateway, log }: AppOptions): GatewayApp {
  const app = new Hono();
  addAnswers(app, gateway, log);
  const health = addHealthRoutes(app, gateway);
  addUploadRoutes(app, gateway);
  addSlotRoutes(app, gateway, log);
  addCollectionRoutes(app, gateway);
  addDriftRoutes(app, gateway);
  addJudgementRoutes(app, gateway, log);
  addStreamRoutes(app, gateway);
  addEventRoute(app, gateway);
  return { app, uploads: gateway.uploads, health };
}
