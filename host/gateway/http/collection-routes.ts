/**
 * Routes of collected windows: settings of a slot, list, read, delete, ask, label.
 *
 * In: requests with the name of a slot, settings and labels as JSON.  Out: JSON that no cache keeps.
 * Errors: RN802, RN813, RN814, RN848, RN874, RN877. The door has checked token and origin before.
 */
import type { Hono } from 'hono';
import { labelSchema } from '../../learn/label-schema.ts';
import { reasons } from '../../learn/reasons.ts';
import { maxAsked } from '../collect/policies.ts';
import { type Settings, settingsSchema } from '../collect/settings.ts';
import { keptJson, windowJson } from '../collect/window-json.ts';
import type { Gateway } from '../gateway.ts';
import { checkName } from '../hub/names.ts';
import { addLabelRoutes } from './label-routes.ts';
import { badRequest, wholeNumber } from './problem.ts';
import { counted, jsonOf } from './request.ts';

const maxListed = 1000;

/** Checks that the outputs of the running model have a margin. @throws RN814 */
function checkMargin(gateway: Gateway, slot: string, { uncertain }: Settings): void {
  const outputs = gateway.find(slot).active?.manifest.outputs ?? [];
  if (!uncertain || uncertain.cutoff !== undefined || outputs.length === 0 || outputs.some(({ elements }) => elements > 1))
    return;
  throw badRequest(
    'the outputs of this model have no margin',
    'uncertain',
    'each has one element; give the value from which an answer is yes as `cutoff`',
  );
}

export function addCollectionRoutes(app: Hono, gateway: Gateway): void {
  const slots = '/v1/slots/:slot';
  const { collection } = gateway;
  for (const path of ['collection', 'windows', 'windows/*', 'labels', 'agreement'].map((one) => `${slots}/${one}`))
    app.use(path, async (c, next) => {
      gateway.find(c.req.param('slot') as string);
      await next();
      c.header('Cache-Control', 'no-store');
    });
  addLabelRoutes(app, gateway);
  const idOf = (text: string) => wholeNumber(text, 'path, id') as number;

  app.get(`${slots}/collection`, (c) => c.json(collection.status(c.req.param('slot'))));
  app.put(`${slots}/collection`, async (c) => {
    const slot = c.req.param('slot');
    const settings = await jsonOf(c, settingsSchema);
    checkMargin(gateway, slot, settings);
    await collection.turnOn(slot, settings);
    return c.json(collection.status(slot));
  });
  app.delete(`${slots}/collection`, async (c) => {
    await collection.turnOff(c.req.param('slot'));
    return c.json(collection.status(c.req.param('slot')));
  });

  app.get(`${slots}/windows`, (c) => {
    const { after, limit, reason } = c.req.query();
    if (reason !== undefined && !(reasons as readonly string[]).includes(reason))
      throw badRequest('this is not a reason', 'query, reason', `there are ${reasons.join(', ')}`);
    const { windows } = collection.slot(c.req.param('slot'));
    const found = windows.list(wholeNumber(after, 'query, after'), counted(limit, 'limit', maxListed, maxListed), reason);
    return c.json({ windows: found.map(keptJson) });
  });
  app.delete(`${slots}/windows`, async (c) => c.json({ deleted: await collection.slot(c.req.param('slot')).windows.clear() }));
  app.post(`${slots}/windows/next`, (c) => {
    const stream = c.req.query('stream');
    const count = counted(c.req.query('count'), 'count', 1, maxAsked);
    const name = stream === undefined ? undefined : checkName('stream', stream);
    return c.json({ asked: collection.ask(c.req.param('slot'), count, name) }, 202);
  });
  app.get(`${slots}/windows/:id`, async (c) => {
    const id = idOf(c.req.param('id'));
    return c.json(windowJson(id, await collection.slot(c.req.param('slot')).windows.read(id)));
  });
  app.delete(`${slots}/windows/:id`, async (c) => {
    await collection.slot(c.req.param('slot')).windows.remove(idOf(c.req.param('id')));
    return c.body(null, 204);
  });
  app.post(`${slots}/windows/:id/labels`, async (c) => {
    await gateway.label(c.req.param('slot'), idOf(c.req.param('id')), await jsonOf(c, labelSchema));
    return c.body(null, 204);
  });
}
