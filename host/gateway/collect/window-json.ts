/**
 * A collected window as an answer of the API.
 *
 * In: a record.  Out: plain values; the signal is base64, in the layout of frames (docs/gateway.md).
 */
import type { Label } from '../../learn/label-schema.ts';
import { realOutputs, type WindowRecord } from './record.ts';
import { type Kept, timeOf } from './windows.ts';

export interface WindowJson extends Omit<WindowRecord, 'signal' | 'raw' | 'other' | 'outputs'> {
  id: number;
  /** Ticks from `from` on, base64. */
  signal: string;
  /** Real values, one list per output; the same of the other version. */
  outputs: number[][];
  other?: number[][];
  labels: Label[];
}

/** A window in a list. */
export const keptJson = ({ id, reasons, bytes, labelled }: Kept) => ({ id, timeMs: timeOf(id), reasons, bytes, labelled });
export type KeptJson = ReturnType<typeof keptJson>;

export function windowJson(id: number, record: WindowRecord & { labels: Label[] }): WindowJson {
  const { signal, raw, other, outputs: ports, ...facts } = record;
  const outputs = realOutputs(ports, raw).map((values) => [...values]);
  const all = other && [...new Float32Array(new Uint8Array(other).buffer)];
  const others = all && ports.map(({ elements }) => all.splice(0, elements));
  return { id, ...facts, signal: Buffer.from(signal).toString('base64'), outputs, ...(others && { other: others }) };
}
