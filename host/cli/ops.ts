/**
 * runlet ops: lists the supported operators.
 *
 * In: nothing.  Out: one row per operator of models/ops with its kernels, if it has any; and the operator
 * names that the readers of the model formats accept.
 */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { ops } from '../../models/ops/index.ts';
import { coloursFor, printJson } from '../command/args.ts';
import { jsonArg } from '../command/options.ts';
import { defineVerb } from '../command/verb.ts';
import { table } from '../report/table.ts';

const kernels = join(import.meta.dirname, '../../assembly/kernels');

/** Returns the kernel files of an operator: `<name>` and variants `<name>-<variant>`. */
function kernelsOf(op: string): string[] {
  if (!existsSync(kernels)) return [];
  return readdirSync(kernels)
    .filter((file) => file === `${op}.ts` || (file.startsWith(`${op}-`) && file.endsWith('.ts')))
    .map((file) => file.slice(0, -3))
    .sort();
}

export interface OpRow {
  op: string;
  kernels: string[];
}

/** Returns one row per operator, sorted by name. */
export const opRows = (): OpRow[] =>
  Object.keys(ops)
    .sort()
    .map((op) => ({ op, kernels: kernelsOf(op) }));

/** Returns the names of the operators that Runlet reads, for each format. */
export async function formatNames(): Promise<Record<string, string[]>> {
  const [tflite, onnx, rewritten, loops, tfjs, functions, graphs] = await Promise.all([
    import('../../models/read/tflite/lower/index.ts'),
    import('../../models/read/onnx/lower/index.ts'),
    import('../../models/read/onnx/rewritten.ts'),
    import('../../models/read/onnx/loops.ts'),
    import('../../models/read/tfjs/lower/index.ts'),
    import('../../models/read/tfjs/functions/index.ts'),
    import('../../models/read/tfjs/graph/rules/index.ts'),
  ]);
  return {
    tflite: Object.keys(tflite.lowerings).sort(),
    onnx: [...onnx.lowerings.keys(), ...rewritten.rewrites.keys(), ...loops.loopOperators].sort(),
    tfjs: [...tfjs.lowerings.keys()].sort(),
    functions: functions.functionNames(),
    graph: ['Const', 'Placeholder', ...graphs.rewrites.keys()].sort(),
  };
}

export default defineVerb({
  examples: [['ops', 'lists the operators of Runlet, and their names in each format']],
  args: jsonArg,
  async run({ args }) {
    const rows = opRows();
    const byFormat = await formatNames();
    if (args.json) return printJson({ ops: rows, formats: byFormat });
    const colour = coloursFor(process.stdout);
    const lines = [
      table(
        rows.map((row) => [row.op, row.kernels.join(', ') || 'none: fused or replaced']),
        { head: ['operator', 'kernels'], colour: colour.isColorSupported },
      ),
    ];
    for (const [format, names] of Object.entries(byFormat))
      lines.push('', `${colour.bold(format)} (${names.length}): ${names.join(', ')}`);
    process.stdout.write(`${lines.join('\n')}\n`);
  },
});
