/**
 * What the layers of a module ask of their kernels: the constants of assembly/kernels/needs.ts for this
 * module.
 *
 * In: the names that the operators gave while they were packed.  Out: AssemblyScript; what is not named is
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

/** Those that only few networks have (rare in emit/ops/op.ts). */
export const rareNeeds: readonly Need[] = ['MINUS'];

/** The module's own needs.ts. */
export const needsSource = (needs: ReadonlySet<Need>): string =>
  needNames.map((name) => `export const ${name}: bool = ${needs.has(name)};\n`).join('');
