/**
 * Option --gate: which model wakes which.
 *
 * In: `[MODEL=]GATE[:LABEL]>NUMBER[ for TIME]`, several separated by commas; `>=` also passes the number.
 * Out: conditions whose names are not resolved yet.
 */
import { readNumber, withValue } from './options.ts';

export interface GateCondition {
  /** The text, as it was given. */
  text: string;
  /** Name of the gated model; undefined: all models other than the gate's. */
  model?: string;
  /** Name of the gate's model, perhaps with `:label`. */
  by: string;
  threshold: number;
  orEqual: boolean;
  /** Hold time in milliseconds; undefined: the duration of the gated model's window. */
  holdMs?: number;
}

const form = /^(?:([^=>]+)=)?([^=>]+)(>=?)\s*([^=>\s]+)(?:\s+for\s+(\S+?)\s*(ms|s))?$/;

function readCondition(text: string): GateCondition | undefined {
  const [, model, by = '', operator, number = '', time, unit] = form.exec(text) ?? [];
  const threshold = readNumber(number);
  const hold = time === undefined ? 0 : readNumber(time, { min: 0, max: 1e6 });
  if (threshold === undefined || hold === undefined || by.trim() === '') return undefined;
  return {
    text,
    ...(model !== undefined && { model: model.trim() }),
    by: by.trim(),
    threshold,
    orEqual: operator === '>=',
    ...(unit && { holdMs: unit === 's' ? 1000 * hold : hold }),
  };
}

/** Parses conditions; returns undefined if one cannot be read. */
function readGates(value: string): GateCondition[] | undefined {
  const found = value.split(',').map((part) => readCondition(part.trim()));
  return found.every((condition) => condition !== undefined) ? found : undefined;
}

export const gateArg = {
  gate: withValue(
    'Run a model only while an output of another one is above a threshold, and for a hold time after that (default: the window of the model): kws=vad>0.5 for 1s',
    'conditions such as vad>0.5, kws=vad:speech>=0.5 or kws=vad>0.5 for 1s, separated by commas',
    readGates,
    { hint: 'condition' },
  ),
};
