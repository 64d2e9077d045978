/**
 * Routes of labels: the next window to ask an annotator, agreement, labels of many windows in and out, and
 * the removal of one's own label.
 *
 * In: requests with the name of a slot and of an annotator; labels as JSON.  Out: JSON that no cache keeps.
 * Errors: RN802, RN813, RN814, RN848, RN874, RN877. The door has checked token and origin before.
 */
import type { Context, Hono } from 'hono';
import * as v from 'valibot';
import { isRunletError } from '../../../models/error.ts';
import { annotatorSchema, windowLabelSchema } from '../../learn/label-schema.ts';
import { classNames } from '../../learn/labels.ts';
import { Questions, type SentLabels } from '../collect/questions.ts';
import { windowJson } from '../collect/window-json.ts';
import type { Windows } from '../collect/windows.ts';
import type { Gateway } from '../gateway.ts';
import { badRequest, wholeNumber } from './problem.ts';
import { counted, jsonOf } from './request.ts';

/** Largest number of labels in one request, and of windows in one answer. Choices. */
const maxSent = 200;
const maxListed = 1000;
/** Largest number of windows that an annotator skips. */
const maxSkipped = 100;
/** Upper bound of the body: a label has two texts of at most 64 and 128 characters. */
const maxBodyBytes = maxSent * 1280;

const sentSchema = v.strictObject({ labels: v.pipe(v.array(windowLabelSchema), v.maxLength(maxSent)) });

/** Returns the annotator that a query names. @throws RN814 */
function annotatorOf(c: Context): string {
  const found = v.safeParse(annotatorSchema, c.req.query('annotator'));
  if (found.success) return found.output;
  throw badRequest('this request needs the name of an annotator', 'query, annotator', '1 to 64 characters');
}

/** Returns the windows that a query leaves out. @throws RN814 */
function skippedOf(c: Context): Set<number> {
  const ids = (c.req.query('skip') ?? '').split(',').filter((text) => text !== '');
  if (ids.length > maxSkipped) throw badRequest('too many windows are skipped', 'query, skip', `at most ${maxSkipped}`);
  return new Set(ids.map((text) => wholeNumber(text, 'query, skip') as number));
}

export function addLabelRoutes(app: Hono, gateway: Gateway): void {
  const slots = '/v1/slots/:slot';
  const known = new WeakMap<Windows, Questions>();
  const windowsOf = (c: Context): Windows => gateway.collection.slot(c.req.param('slot') as string).windows;
  const questionsOf = (c: Context): Questions => {
    const windows = windowsOf(c);
    const names = () => {
      const { labels, outputs } = gateway.find(windows.slot).active?.manifest ?? {};
      return classNames(labels, outputs?.[0]?.elements);
    };
    const questions = known.get(windows) ?? new Questions(windows, names);
    known.set(windows, questions);
    return questions;
  };

  app.get(`${slots}/windows/ask`, async (c) => {
    const annotator = annotatorOf(c);
    const questions = questionsOf(c);
    const found = await questions.next(annotator, skippedOf(c), Date.now());
    const window = found ? windowJson(found.id, found.record) : null;
    return c.json({ window, ...(found && { why: found.why }), ...(await questions.progress(annotator)) });
  });
  app.get(`${slots}/agreement`, async (c) => c.json(await questionsOf(c).agreement()));
  app.get(`${slots}/labels`, async (c) => {
    const { after, limit } = c.req.query();
    const from = wholeNumber(after, 'query, after') ?? -1;
    return c.json({ windows: await questionsOf(c).list(from, counted(limit, 'limit', maxListed, maxListed)) });
  });
  app.post(`${slots}/labels`, async (c) => {
    const { slot } = windowsOf(c);
    const counts: SentLabels = { stored: 0, missing: 0, full: 0 };
    for (const { window, ...label } of (await jsonOf(c, sentSchema, maxBodyBytes)).labels)
      try {
        await gateway.label(slot, window, label);
        counts.stored++;
      } catch (error) {
        if (!isRunletError(error) || (error.code !== 'RN874' && error.code !== 'RN813')) throw error;
        counts[error.code === 'RN874' ? 'missing' : 'full']++;
      }
    return c.json(counts);
  });
  app.delete(`${slots}/windows/:id/labels`, async (c) => {
    await windowsOf(c).unlabel(wholeNumber(c.req.param('id'), 'path, id') as number, annotatorOf(c));
    return c.body(null, 204);
  });
}
