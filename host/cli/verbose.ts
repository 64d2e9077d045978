/**
 * Report of `runlet build --verbose`: the kernel and tiles of every layer with weights, and which style gives
 * the smaller file.
 *
 * In: a QuantPlan, build options, the bundle.  Out: lines, and an object for --json.  Cost: another build, in
 * the other style.
 */
import { type BuildOptions, type Bundle, build } from '../../assembly/build.ts';
import { emit } from '../../assembly/emit/emit.ts';
import { explainKernels, type KernelChoice } from '../../assembly/emit/explain.ts';
import type { Target } from '../../assembly/emit/target.ts';
import type { QuantPlan } from '../../quant/plan.ts';
import { table } from '../report/table.ts';

export interface Choices {
  kernels: KernelChoice[];
  /** File size in bytes in each style, and why one was taken. */
  style: { taken: 'calls' | 'table'; calls: number; table: number; why: string };
}

export async function choicesOf(
  quant: QuantPlan,
  options: BuildOptions & { target: Target },
  { wasm, manifest }: Bundle,
): Promise<Choices> {
  const taken = manifest.style ?? 'calls';
  const other = taken === 'calls' ? 'table' : 'calls';
  const { wasm: otherWasm } = await build(quant, { ...options, style: other });
  const bytes = { [taken]: wasm.length, [other]: otherWasm.length } as { calls: number; table: number };
  const shorter = bytes.calls <= bytes.table ? 'calls' : 'table';
  const why =
    options.style === 'smallest'
      ? 'the smaller file, as requested'
      : taken === shorter
        ? `${options.style === 'table' ? 'requested' : 'the default'}, and the smaller file`
        : `${options.style === 'table' ? 'requested' : 'the default'}; --style smallest would take ${shorter}`;
  const kernels = explainKernels(
    quant,
    emit(quant, options.target, options.weights ? { home: options.weights } : {}),
    options.target,
  );
  return { kernels, style: { taken, ...bytes, why } };
}

export function choiceLines({ kernels, style }: Choices, named: (name: string) => string, colour: boolean): string[] {
  const cells = kernels.map((k) => [named(k.layer), k.kernel, k.outputs, k.taps, k.layout, k.why]);
  return [
    table(cells, {
      head: ['layer', 'kernel', 'outputs', 'taps', 'weights', 'why'],
      spare: ['taps', 'outputs', 'weights'],
      colour,
    }),
    `style       ${style.taken}: ${style.why} (calls ${style.calls.toLocaleString('en')} bytes, table ${style.table.toLocaleString('en')})`,
  ];
}
