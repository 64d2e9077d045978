/**
 * Routes of slots: status, trial, confirm, roll back, leave safe mode.
 *
 * In: requests with the name of a slot; a trial's options as JSON.  Out: the status of the slot or the
 * gateway after the step. An error that ends a trial later is only logged.
 */
import type { Hono } from 'hono';
import type { Logger } from 'pino';
import type { Gateway } from '../gateway.ts';
import { trialOptionsSchema } from '../hub/trial-options.ts';
import { jsonOf } from './request.ts';

export function addSlotRoutes(app: Hono, gateway: Gateway, log: Logger): void {
  app.get('/v1/status', (c) => c.json(gateway.status()));
  app.post('/v1/safe-mode/leave', async (c) => {
    await gateway.store.leaveSafeMode();
    return c.json(gateway.status());
  });
  app.get('/v1/slots/:slot', (c) => c.json(gateway.slotStatus(c.req.param('slot'))));
  app.post('/v1/slots/:slot/trial', async (c) => {
    const slot = gateway.find(c.req.param('slot'));
    const trial = await slot.begin(await jsonOf(c, trialOptionsSchema));
    trial.done.catch((error: unknown) => log.error({ err: error, slot: slot.name }, 'trial'));
    return c.json(gateway.slotStatus(slot.name), 202);
  });
  app.post('/v1/slots/:slot/confirm', async (c) => c.json(await gateway.confirm(c.req.param('slot'))));
  app.post('/v1/slots/:slot/rollback', async (c) => {
    await gateway.rollBack(c.req.param('slot'));
    return c.json(gateway.slotStatus(c.req.param('slot')));
  });
}
