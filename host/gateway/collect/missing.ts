/**
 * Refusals of a collection: a window that does not exist, a slot that collects none, too many labels or
 * requests.
 */
import { RunletError } from '../../../models/error.ts';
import { maxLabels } from './labels.ts';
import { maxAsked } from './policies.ts';

export const noWindow = (slot: string, id: number): RunletError =>
  new RunletError('RN874', {
    what: 'there is no such window',
    where: `slot ${slot}, window ${id}`,
    why: 'it was deleted, had to make room, is older than the retention, or never existed',
    tryThis: 'list the windows of the slot',
  });

export const notCollecting = (slot: string): RunletError =>
  new RunletError('RN874', {
    what: 'this slot collects no windows',
    where: `slot ${slot}`,
    why: 'collection is off until an operator turns it on',
    tryThis: 'PUT its settings to /v1/slots/SLOT/collection',
  });

export const tooManyLabels = (slot: string, id: number): RunletError =>
  new RunletError('RN813', {
    what: 'this window has too many labels',
    where: `slot ${slot}, window ${id}`,
    why: `${maxLabels} annotators have answered`,
    tryThis: 'answer under one of their names',
  });

export const tooManyAsked = (slot: string, waiting: number): RunletError =>
  new RunletError('RN813', {
    what: 'too many windows are asked for',
    where: `slot ${slot}`,
    why: `${waiting} are waiting, and the limit is ${maxAsked}`,
    tryThis: 'ask again when some of them have come',
  });
