/**
 * Calls of kernels as AssemblyScript.
 *
 * In: kernels by name, the text of a block's address.  Out: calls, and the imports of these kernels.
 */
import { type KernelName, kernels } from './kernels.ts';

/** Prints a call. Of `first`, `rows` and the phase, a kernel gets those that it takes. */
export function callText(fn: KernelName, block: number | string, first: number | string, rows: number | string): string {
  const { block: layout, takes } = kernels[fn];
  const more = { block: '', phase: ', phase', rows: `, ${first}, ${rows}` }[takes];
  return `${fn}(changetype<${layout.name}>(${block})${more});`;
}

/** Prints the imports of kernels, their blocks, and functions that move bytes. */
export function importLines(fns: Iterable<KernelName>): string[] {
  const files = new Map<string, Set<string>>([['move', new Set(['move_s8', 'fill_s8', 'gather_s8'])]]);
  const add = (file: string, name: string) => files.set(file, (files.get(file) ?? new Set()).add(name));
  for (const fn of fns) add(kernels[fn].file, fn);
  for (const fn of fns) add(kernels[fn].block.file, kernels[fn].block.name);
  return [...files].map(([file, names]) => `import { ${[...names].sort().join(', ')} } from "../kernels/${file}";`);
}
