/**
 * Routes of drift detection: status, turn on, turn off.
 *
 * In: requests with the name of a slot, settings as JSON.  Out: JSON that no cache keeps.
 * Errors: RN802, RN814, RN848, RN892. The door has checked token and origin before.
 */
import type { Hono } from 'hono';
import { driftSchema } from '../drift/settings.ts';
import type { Gateway } from '../gateway.ts';
import { jsonOf } from './request.ts';

export function addDriftRoutes(app: Hono, gateway: Gateway): void {
  const path = '/v1/slots/:slot/drift';
  const { drift } = gateway;
  app.use(path, async (c, next) => {
    gateway.find(c.req.param('slot') as string);
    await next();
    c.header('Cache-Control', 'no-store');
  });
  app.get(path, (c) => c.json(drift.status(c.req.param('slot'))));
  app.put(path, async (c) => {
    await drift.turnOn(c.req.param('slot'), await jsonOf(c, driftSchema));
    return c.json(drift.status(c.req.param('slot')));
  });
  app.delete(path, async (c) => {
    await drift.turnOff(c.req.param('slot'));
    return c.json(drift.status(c.req.param('slot')));
  });
}
