/**
 * Routes of judgements: read, settings, and the trial of a kept version.
 *
 * In: requests with the name of a slot, settings and a trial's options as JSON.  Out: JSON.
 * Errors: RN802-RN804, RN814, RN840, RN848, RN899. The door has checked token and origin before.
 */
import type { Hono } from 'hono';
import type { Logger } from 'pino';
import type { Gateway } from '../gateway.ts';
import { trialOptionsSchema } from '../hub/trial-options.ts';
import { judgeSettingsSchema } from '../judge/settings.ts';
import { badRequest } from './problem.ts';
import { jsonOf } from './request.ts';

export function addJudgementRoutes(app: Hono, gateway: Gateway, log: Logger): void {
  const slots = '/v1/slots/:slot';
  app.get(`${slots}/judgement`, async (c) => {
    const slot = gateway.find(c.req.param('slot')).name;
    const judgement = await gateway.judging.judge(slot);
    c.header('Cache-Control', 'no-store');
    return c.json({ slot, settings: gateway.judging.settings(slot), ...judgement });
  });
  app.put(`${slots}/judgement`, async (c) => {
    const slot = gateway.find(c.req.param('slot')).name;
    await gateway.judging.use(slot, await jsonOf(c, judgeSettingsSchema));
    return c.json({ slot, settings: gateway.judging.settings(slot) });
  });
  app.post(`${slots}/kept/:digest/trial`, async (c) => {
    const slot = gateway.find(c.req.param('slot'));
    const digest = c.req.param('digest');
    if (!/^[0-9a-f]{64}$/.test(digest)) throw badRequest('this is not a digest', 'path', 'it has 64 hex digits');
    const options = await jsonOf(c, trialOptionsSchema);
    await slot.stageKept(digest, 'chosen by hand');
    const trial = await slot.begin(options);
    trial.done.catch((error: unknown) => log.error({ err: error, slot: slot.name }, 'trial'));
    return c.json(gateway.slotStatus(slot.name), 202);
  });
}
