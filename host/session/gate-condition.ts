/**
 * Conditions of gates as text: which model wakes which.
 *
 * In: `[MODEL=]GATE[:LABEL]>NUMBER[ for TIME]`, several separated by commas; `>=` also passes the number.
 * Out: conditions whose names are not resolved yet (named-gates.ts); a gate as text.
 */
import type { ModelGate } from './listening-model.ts';

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

/** Largest number of a hold time, in its unit. A choice. */
const maxHold = 1e6;

function readCondition(text: string): GateCondition | undefined {
  const [, model, by = '', operator, number, time = '0', unit] = form.exec(text) ?? [];
  const [threshold, hold] = [Number(number), Number(time)];
  if (!Number.isFinite(threshold) || !(hold >= 0 && hold <= maxHold) || by.trim() === '') return undefined;
  return {
    text,
    ...(model !== undefined && { model: model.trim() }),
    by: by.trim(),
    threshold,
    orEqual: operator === '>=',
    ...(unit && { holdMs: unit === 's' ? 1000 * hold : hold }),
  };
}

/** Reads conditions; returns undefined if one cannot be read. */
export function readGates(text: string): GateCondition[] | undefined {
  const found = text.split(',').map((part) => readCondition(part.trim()));
  return found.every((condition) => condition !== undefined) ? found : undefined;
}

/** Returns the name of the value that a gate compares. @param labels names of the values of its model */
export const gateValueName = ({ by, element }: ModelGate, labels: readonly string[] = []): string =>
  `${by}${labels.length > 1 ? `:${labels[element]}` : ''}`;

/** Returns the condition of a gate, without the gated model. @param labels as in gateValueName */
export const gateText = (gate: ModelGate, labels?: readonly string[]): string =>
  `${gateValueName(gate, labels)}${gate.orEqual ? '>=' : '>'}${gate.threshold}${gate.holdMs === undefined ? '' : ` for ${gate.holdMs} ms`}`;
