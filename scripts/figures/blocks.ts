/**
 * Renders the blocks of figures in the documentation's pages.
 *
 * In: the tables of a history, the name of a block.  Out: Markdown. An error names a missing table.
 */
import { quantile } from '../../host/statistics.ts';
import { engineBlocks } from './blocks-engines.ts';
import type { Get, History, Measurement, TableName } from './history.ts';
import { decimal, origin, percent, rangeOf, spread, table, whole } from './markdown.ts';

function hop(get: Get): string {
  const head = [
    'network, hop',
    'target',
    'multiply-adds',
    'us a hop',
    'us a window',
    'times less',
    'in multiply-adds',
    'of peak',
  ];
  const rows = get('hop').figures.flatMap(({ network, hop: frames, macsPerHop, macsPerWindow = 0, rows: targets }) =>
    ['simd', 'interp'].flatMap((name) =>
      targets
        .filter(({ target }) => target === name)
        .map((r) => [
          `${network}, ${frames}`,
          name,
          whole(macsPerHop),
          spread(r),
          spread({ medianUs: r.windowUs, p5Us: r.windowP5Us, p95Us: r.windowP95Us }),
          r.timesLess.toFixed(2),
          (macsPerWindow / macsPerHop).toFixed(2),
          r.shareOfPeak === undefined ? '' : percent(r.shareOfPeak),
        ]),
    ),
  );
  const peaks = get('hop').figures.flatMap((f) => f.rows.flatMap((r) => (r.target === 'simd' ? [r.peakMacsPerNs ?? 0] : [])));
  return `${table(head, rows)}\n\nThe peak of \`simd\` in these runs: ${rangeOf(peaks)} multiply-adds a nanosecond.`;
}

function cores(get: Get): string {
  const all = get('cores').figures;
  const names = [...new Set(all.map(({ name, hop: frames }) => `${name}, ${frames}`))];
  const worst = (label: string, core: string, target: string) => {
    const found = all.find((f) => `${f.name}, ${f.hop}` === label && f.core === core);
    return whole(Number(found?.rows.find((row) => row.target === target)?.most));
  };
  const rows = names.map((name) => [
    name,
    worst(name, 'rv32', 'native'),
    worst(name, 'm4', 'native'),
    worst(name, 'm4', 'interp'),
  ]);
  return table(['network, hop', 'RV32IMC native', 'Cortex-M4 native', 'Cortex-M4 interp'], rows);
}

function bare(get: Get): string {
  const rows = get('bare').figures.flatMap((f) => {
    const { code, model, arena, instructions, invoke } = f.micro;
    const other = (i: 0 | 1) => [whole(code[i] + model), `${whole(arena[i])}, and its own variables`, whole(instructions[i])];
    return [
      [`${f.name}, ${f.hop}`, 'Runlet as C', whole(f.code + f.constants), whole(f.ram + f.stack), whole(f.instructions), 'a hop'],
      ['', 'TensorFlow Lite Micro, reference kernels', ...other(0), invoke],
      ['', 'TensorFlow Lite Micro, CMSIS-NN', ...other(1), invoke],
    ];
  });
  return table(['model, hop', 'on a Cortex-M4', 'flash', 'RAM', 'instructions', 'of'], rows);
}

function wamr(get: Get): string {
  const rows = get('wamr').figures.map(({ name, hop: frames, rows: kernels }) => {
    const of = (which: string) => kernels.find((k) => k.kernels === which);
    const [naive, native, interp] = [of('naive'), of('native'), of('interp')];
    const less = (field: 'medianUs' | 'most') => ((naive?.[field] ?? 0) / (interp?.[field] ?? 0)).toFixed(2);
    const counts = [naive, native, interp].map((k) => whole(k?.most ?? 0)).join(', ');
    const times = [naive, native, interp].map((k) => (k ? spread(k) : ''));
    return [`${name}, ${frames}`, ...times, less('medianUs'), counts, less('most')];
  });
  const head = ['network, hop', 'us, naive', 'us, native', 'us, interp', 'times less'];
  return table([...head, 'Cortex-M4 instructions: naive, native, interp', 'times less'], rows);
}

function bytes(get: Get): string {
  const rows = get('bytes').figures.map(({ name, hop: frames, rows: targets }) => {
    const each = (value: (row: Record<string, number>) => number | undefined) =>
      ['native', 'interp', 'simd']
        .map((t) => whole(value((targets.find((row) => row.target === t) ?? {}) as Record<string, number>) ?? Number.NaN))
        .join(', ');
    const beside = each(({ memoryBytes = 0, weightBytes = 0, tableBytes = 0 }) => memoryBytes - weightBytes - tableBytes);
    return [
      `${name}, ${frames}`,
      each((row) => row.codeBytes),
      each((row) => row.memoryBytes),
      beside,
      each((row) => row.gzipBytes),
    ];
  });
  return table(['network, hop', 'code: native, interp, simd', 'memory', 'beside weights and tables', 'file, gzip'], rows);
}

/** Formats an exponent, without a sign for zero. */
const exponent = (n: number) => (Math.abs(n) < 0.005 ? 0 : n).toFixed(2);

function scaling(get: Get): string {
  const rows = get('scaling').figures.map(({ quantity, points, time, work }) => [
    quantity,
    points.map(({ value }) => value).join(', '),
    points.map(({ us }) => decimal(us)).join(', '),
    exponent(time),
    exponent(work),
  ]);
  return table(['quantity', 'values', 'us a hop', 'exponent of time', 'of multiply-adds'], rows);
}

function gateway(get: Get): string {
  const rows = get('gateway').figures.map(({ model, streams, streamsACore, p50, p99, rssAfterBytes }) => [
    model,
    whole(streams),
    `${decimal(quantile(streamsACore, 0.5))} (${rangeOf(streamsACore)})`,
    decimal(quantile(p50, 0.5)),
    decimal(quantile(p99, 0.5)),
    whole(Math.round(quantile(rssAfterBytes, 0.5) / 2 ** 20)),
  ]);
  return table(
    ['model', 'streams', 'streams a core would serve', 'ms to the output, median', '99th percentile', 'memory, MiB'],
    rows,
  );
}

const runletBlocks: { [K in TableName]?: (get: Get) => string } = { hop, cores, bare, wamr, bytes, scaling, gateway };
const blocks: Record<string, (get: Get) => string> = { ...runletBlocks, ...engineBlocks };
export const blockNames = Object.keys(blocks);

/** Renders a block. @throws Error if a table that it needs was not measured */
export function block(name: string, { tables, version }: History): string {
  const used = new Map<string, Measurement<unknown>>();
  const get: Get = (wanted) => {
    const found = tables[wanted];
    if (!found) throw new Error(`docs/performance/${version}.json has no table ${wanted}: npm run figures -- ${wanted} --write`);
    used.set(wanted, found);
    return found;
  };
  const text = blocks[name]?.(get);
  if (text === undefined) throw new Error(`there is no block ${name}; there are ${blockNames.join(', ')}`);
  return `${text}\n\n${origin(used)}`;
}
