/**
 * Interprets the values of an output: probabilities, a quantity, or other values.
 *
 * In: a manifest.  Out: kind, names and range for drawing.  A quantised output with the range 0 to 1 is a
 * probability.
 */
import type { Manifest } from '../../assembly/bundle/manifest.ts';
import { isBackground } from '../session/index.ts';

export interface Reading {
  kind: 'word' | 'words' | 'quantity' | 'values';
  /** Names of the elements. */
  names: string[];
  /** Range of the values; only for probabilities. */
  range?: [low: number, high: number];
  unit?: string;
  /** True for elements without a meaning (silence, unknown, none). */
  background: boolean[];
}

export function readingOf({ outputs, labels, unit, name, detector }: Manifest): Reading {
  const port = outputs[0];
  const elements = port?.elements ?? 1;
  const { scale = 1, zeroPoint = 0 } = port ?? {};
  const [low, high] = [scale * (-128 - zeroPoint), scale * (127 - zeroPoint)];
  const probability = Math.abs(low) < 0.005 && Math.abs(high - 1) < 0.01;
  const single = detector?.label ?? labels?.[0] ?? (probability ? name : (port?.name ?? name));
  const names =
    labels?.length === elements ? labels : elements === 1 ? [single] : Array.from({ length: elements }, (_, i) => `output ${i}`);
  const background = names.map((label) => isBackground(label) || /^none$/i.test(label));
  const kind = elements === 1 ? (probability ? 'word' : 'quantity') : probability ? 'words' : 'values';
  return { kind, names, background, ...(probability && { range: [0, 1] as [number, number] }), ...(unit && { unit }) };
}

/** Interprets one value of an output, such as the one that a gate compares. */
export function readingOfElement(manifest: Manifest, output: number, element: number): Reading {
  const { names, range, unit } = readingOf({ ...manifest, outputs: manifest.outputs.slice(output, output + 1) });
  return {
    kind: range ? 'word' : 'quantity',
    names: [names[element] ?? ''],
    background: [false],
    ...(range && { range }),
    ...(unit && { unit }),
  };
}

/** Formats a value with its unit. */
export const valueText = (value: number, { kind, unit }: Reading): string => {
  if (kind === 'word' || kind === 'words') return `${Math.round(100 * value)} %`;
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 3;
  return `${value.toFixed(digits)}${unit ? ` ${unit}` : ''}`;
};
