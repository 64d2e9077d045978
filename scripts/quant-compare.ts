/**
 * npm run quant:compare [-- --json] [--only NAME,NAME] [--draws 5] [--windows 100] [--methods
 * minmax,entropy]: compares Runlet's presets with onnxruntime's static quantisation.
 *
 * In: networks of the zoo and forms of them that are harder to quantise (scripts/quant-compare/networks.ts),
 * recordings in RUNLET_DATA (default ../shared/data), Python with test/quant/peers/requirements.txt
 * (RUNLET_PYTHON, default python3).  Out: for each network the metric of float, of each preset and of
 * onnxruntime's best method, over draws of calibration windows that both sides use; the verdict on each rule;
 * exit code 1 if a rule does not hold. Intermediate files are in out/quant-compare. RUNLET_SEED (default 1)
 * is the seed of the draws.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { root } from '../host/demo/zoo.ts';
import { table } from '../host/report/table.ts';
import { writeNpy } from '../host/sources/npy.ts';
import { readModel } from '../models/read/index.ts';
import { presetNames } from '../quant/presets.ts';
import { type Network, networks } from './quant-compare/networks.ts';
import { type Found, runletMetric } from './quant-compare/runlet.ts';
import { mean, type Row, verdicts } from './quant-compare/verdict.ts';
import { type Base, dataFolder, drawn, folderOf, type Windows, windowsOf } from './quant-compare/windows.ts';

const python = process.env.RUNLET_PYTHON ?? 'python3';
const seed = Number(process.env.RUNLET_SEED ?? 1);
const out = join(root, 'out/quant-compare');
const peers = join(root, 'test/quant/peers');
const say = (text = '') => process.stdout.write(`${text}\n`);
const progress = (text: string) => process.stderr.write(`${text}\n`);

/**
 * Runs a Python script of test/quant/peers and returns its standard output. @throws Error with its last lines
 */
function runPython(args: string[]): string {
  const { status, stdout, stderr } = spawnSync(python, args, { encoding: 'utf8', maxBuffer: 1 << 26 });
  if (status !== 0) throw new Error(`${args.slice(0, 2).join(' ')}: ${stderr?.trim().split('\n').slice(-5).join('\n')}`);
  return stdout;
}

const hasPython = (imports: string): boolean => spawnSync(python, ['-c', `import ${imports}`]).status === 0;

/** Converts the windows of a base to the raw units of a form. */
function inUnits(windows: Windows, raw: Network['raw']): Windows {
  if (!raw) return windows;
  const { channels } = windows;
  const of = (values: number[], i: number) => values[(i % channels) % values.length] as number;
  const moved = (x: Float32Array) => x.map((v, i) => of(raw.scale, i) * v + of(raw.offset, i));
  return { ...windows, calibration: moved(windows.calibration), evaluation: moved(windows.evaluation) };
}

/**
 * Returns the path of the network's ONNX file, with its edits. A network that is not in the zoo is trained
 * once.
 */
function modelOf({ name, base, source, edits }: Network, windows: Windows): string {
  const target = join(out, `${name.replaceAll(' ', '-')}.onnx`);
  let from: string;
  if ('zoo' in source) from = join(root, 'models/zoo', source.zoo);
  else {
    from = join(out, `${source.trained}.trained.onnx`);
    if (!existsSync(from)) {
      const [x, y] = [join(out, `${base}-train.npy`), join(out, `${base}-labels.npy`)];
      const { calibration, frames, channels, labels } = windows;
      writeFileSync(x, writeNpy([calibration.length / frames / channels, frames, channels], calibration));
      writeFileSync(y, writeNpy([labels.length], labels));
      progress(`${name}: training ${source.trained}`);
      runPython([join(peers, 'train.py'), source.trained, x, y, from]);
    }
  }
  runPython([join(peers, 'forms.py'), from, target, '--edit', ...edits]);
  return target;
}

/** Returns the metric of the float model, and those of onnxruntime by method, in the order of the draws. */
function peerMetrics(model: string, windows: Windows, draws: Int32Array[], methods?: string) {
  const { calibration, evaluation, truth, frames, channels } = windows;
  const shape = (x: Float32Array) => [x.length / frames / channels, frames, channels];
  const stem = model.replace(/\.onnx$/, '');
  const file = (name: string, bytes: Uint8Array) => {
    writeFileSync(`${stem}-${name}`, bytes);
    return `${stem}-${name}`;
  };
  const flat = Int32Array.from(draws.flatMap((d) => [...d]));
  const text = runPython([
    join(peers, 'peers.py'),
    model,
    file('calibration.npy', writeNpy(shape(calibration), calibration)),
    file('draws.npy', writeNpy([draws.length, draws[0]?.length ?? 0], flat)),
    file('evaluation.npy', writeNpy(shape(evaluation), evaluation)),
    file('truth.npy', writeNpy([truth.length], truth)),
    stem,
    ...(methods ? [methods] : []),
  ]);
  const lines = text
    .trim()
    .split('\n')
    .filter((line) => line.startsWith('{')) // the library prints other lines
    .map((line) => JSON.parse(line) as { method: string; draw: number; metric: number });
  const found = new Map<string, number[]>();
  for (const { method, metric } of lines) found.set(method, [...(found.get(method) ?? []), metric]);
  const float = found.get('float')?.[0] as number;
  found.delete('float');
  return { float, methods: found };
}

interface Settings {
  draws: number;
  calibrationWindows: number;
  /** Methods of onnxruntime: minmax, entropy, percentile. Default: all. */
  methods?: string;
}

async function compare(network: Network, base: Windows, { draws: drawCount, calibrationWindows, methods: wanted }: Settings) {
  const windows = inUnits(base, network.raw);
  const model = modelOf(network, base);
  const each = windows.frames * windows.channels;
  const pool = windows.calibration.length / each;
  const draws = Array.from({ length: drawCount }, (_, i) => drawn(1000 * seed + i, calibrationWindows, pool));
  const { float, methods } = peerMetrics(model, windows, draws, wanted);
  const complete = [...methods].filter(([, m]) => m.length === drawCount);
  const [method, metric] = complete.sort(([, a], [, b]) => mean(b) - mean(a))[0] ?? ['none', []];
  const graph = await readModel(new Uint8Array(readFileSync(model)), { name: network.name });
  const runlet: Row['runlet'] = { fast: [], good: [], best: [] };
  let layers: Found['layers'] = [];
  for (const [i, draw] of draws.entries())
    for (const preset of presetNames) {
      const found = await runletMetric(graph, windows, draw, preset, i === 0 && preset === 'good');
      runlet[preset].push(found.metric);
      if (found.layers.length > 0) layers = found.layers.slice(0, 3);
    }
  const row: Row = {
    name: network.name,
    friendly: network.friendly,
    windows: windows.truth.length,
    float,
    runlet,
    peer: { method, metric },
  };
  const all = Object.fromEntries([...methods].map(([name, values]) => [name, values]));
  return { ...row, why: network.why, methods: all, lowestSqnr: layers };
}

/** Returns the mean, with minimum and maximum relative to float. */
const spread = (values: readonly number[], float: number): string =>
  `${mean(values).toFixed(2)} (${(Math.min(...values) - float).toFixed(2)} .. ${(Math.max(...values) - float).toFixed(2)})`;

type Compared = Awaited<ReturnType<typeof compare>>;

/** Compares the networks whose recordings exist; prints each result on stderr. */
async function compareAll(chosen: readonly Network[], settings: Settings): Promise<Compared[]> {
  const bases = new Map<Base, Windows>();
  const rows: Compared[] = [];
  for (const network of chosen) {
    const folder = folderOf(network.base);
    if (!folder) {
      progress(`skipped: ${network.name}: no recordings of ${network.base} in ${dataFolder}; RUNLET_DATA names the folder`);
      continue;
    }
    const base = bases.get(network.base) ?? windowsOf(network.base, folder);
    bases.set(network.base, base);
    const row = await compare(network, base, settings);
    rows.push(row);
    const { name, float, runlet, peer } = row;
    const shown = presetNames.map((p) => `${p} ${mean(runlet[p]).toFixed(2)}`).join(', ');
    progress(
      `${name}: float ${float.toFixed(2)}, ${shown}, onnxruntime ${mean(peer?.metric ?? []).toFixed(2)} (${peer?.method})`,
    );
  }
  return rows;
}

/** Prints the table, the verdicts and the layers with the lowest signal-to-noise. */
function print(rows: readonly Compared[], judged: ReturnType<typeof verdicts>, { draws, calibrationWindows }: Settings): void {
  say(
    `in %: mean over ${draws} draws of ${calibrationWindows} calibration windows (lowest .. highest, against float); seed ${seed}\n`,
  );
  say(
    table(
      rows.map((r) => [
        r.name,
        r.friendly ? 'friendly' : r.why,
        r.windows,
        r.float.toFixed(2),
        ...presetNames.map((p) => spread(r.runlet[p], r.float)),
        spread(r.peer?.metric ?? [], r.float),
        r.peer?.method ?? '',
      ]),
      { head: ['network', 'form', 'windows', 'float', ...presetNames, 'onnxruntime, best', 'its method'] },
    ),
  );
  say("\nppg-hr: 100 - mean absolute error in % of the mean rate. The others: windows whose largest score is the right one's.\n");
  for (const { rule, holds, failures, aside } of judged) {
    say(`${aside ? 'aside' : holds ? 'holds' : 'FAILS'}  ${rule}${aside && holds ? ': holds' : ''}`);
    for (const failure of failures) say(`       ${failure}`);
  }
  say('\nlowest signal-to-quantisation-noise, good, first draw');
  for (const { name, lowestSqnr } of rows)
    say(`  ${name.padEnd(22)} ${lowestSqnr.map(([layer, op, db]) => `${layer} (${op}) ${db.toFixed(1)} dB`).join(', ')}`);
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      json: { type: 'boolean' },
      only: { type: 'string' },
      draws: { type: 'string', default: '5' },
      windows: { type: 'string', default: '100' },
      methods: { type: 'string' },
    },
  });
  if (!hasPython('numpy, onnx, onnxruntime, torch')) {
    say(
      `skipped: ${python} lacks packages; pip install -r test/quant/peers/requirements.txt, and RUNLET_PYTHON names the interpreter`,
    );
    return 0;
  }
  mkdirSync(out, { recursive: true });
  const settings = { draws: Number(values.draws), calibrationWindows: Number(values.windows), methods: values.methods };
  const only = values.only?.split(',');
  const unknown = only?.filter((one) => networks.every(({ name }) => name !== one)) ?? [];
  if (unknown.length > 0) {
    say(`there is no network ${unknown.join(', ')}; there are ${networks.map(({ name }) => name).join(', ')}`);
    return 2;
  }
  const chosen = networks.filter(({ name }) => !only || only.includes(name));
  const rows = await compareAll(chosen, settings);
  if (rows.length === 0) {
    say(`skipped: no recordings in ${dataFolder}; RUNLET_DATA names the folder`);
    return 0;
  }
  const judged = verdicts(rows);
  const { draws, calibrationWindows: windows } = settings;
  if (values.json) say(JSON.stringify({ seed, draws, windows, rows, verdicts: judged }, null, 1));
  else print(rows, judged, settings);
  return judged.every((v) => v.holds || v.aside) ? 0 : 1;
}

process.exitCode = await main();
