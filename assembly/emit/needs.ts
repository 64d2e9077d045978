/**
 * Needs: features of kernels that the layers of a module use. They set the constants of
 * assembly/kernels/needs.ts for this module.
 *
 * In: the names that operators request while they are packed.  Out: AssemblyScript. Code for other needs is
 * compiled away.
 */
export const needNames = [
  'PATCHES',
  'FEATURES',
  'DILATIONS',
  'GROUPS',
  'POOLED',
  'EXACT',
  'SIGNED',
  'CLAMPS',
  'FOURS',
  'PAIRS',
  'ONES',
  'ROW_FOURS',
  'ROW_ONES',
  'ROW_PARTS',
  'LEFT_OVER',
  'WIDE',
  'MINUS',
  'FETCH',
  'EDGES',
  'ONCE',
  'APART',
  'RELAXED',
  'LOWEST_WEIGHT',
] as const;
export type Need = (typeof needNames)[number];

/** Needs that only few networks have (`rare` in emit/ops/op.ts). */
export const rareNeeds: readonly Need[] = ['MINUS'];

/** Prints the module's needs.ts. */
export const needsSource = (needs: ReadonlySet<Need>): string =>
  needNames.map((name) => `export const ${name}: bool = ${needs.has(name)};\n`).join('');
