/**
 * Generates docs/operators.md: the operators of Runlet, and their names in each model format.
 *
 * In: the first paragraph of each file in models/ops, and the tables of the readers.  Out: the page's text.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { formatNames, opRows } from '../host/cli/ops.ts';

const titles: Record<string, string> = {
  tflite: 'TensorFlow Lite',
  onnx: 'ONNX',
  tfjs: 'Keras and TensorFlow.js layers',
  functions: 'Functions beside Keras layers',
  graph: 'TensorFlow.js graph models',
};

/** Returns the first paragraph of an operator's file, without the operator's name. */
function aboutOf(op: string): string {
  const text = readFileSync(join(import.meta.dirname, '../models/ops', `${op}.ts`), 'utf8');
  const [, about = ''] = text.match(/^\/\*\*\n \* \w+: ([\s\S]*?)\n \*(?:\n|\/)/) ?? [];
  return about.replace(/\n \* /g, ' ').replaceAll('|', '\\|');
}

export async function operatorsPage(): Promise<string> {
  const formats = Object.entries(await formatNames());
  return [
    '# Operators',
    '',
    'Made from the code by `npm run generate`; `npx runlet ops` prints the same. What of an operator is read, and what is not, is in',
    '[What is supported](supported.md). A file with another operator is refused with all reasons at once (RN169).',
    '',
    '## Runlet',
    '',
    'Every model becomes a graph of these. Functions of one value are one operator, `activation`; shape-only operators disappear.',
    '',
    '| operator | |',
    '|---|---|',
    ...opRows().map(({ op }) => `| ${op} | ${aboutOf(op)} |`),
    ...formats.flatMap(([format, names]) => ['', `## ${titles[format]}`, '', `${names.length} names: ${names.join(', ')}.`]),
    '',
  ].join('\n');
}
