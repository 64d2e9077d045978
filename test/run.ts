/**
 * Runs every *.test.ts in a separate process, counts the results, and fails if no test ran.
 *
 * In: optional parts of names (`npm test -- read/onnx`).  Out: each file's output, a list of failures, and
 * the last line `N passed, N failed`. uvu exits with 0 if no test ran; this program does not. It runs two
 * files more than there are cores: one of them waits for gateways or fleets, one for the compiler or a
 * browser.
 */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import { compileTree } from './start/tree.ts';

const here = import.meta.dirname;
const root = join(here, '..');
const wanted = process.argv.slice(2);
// the command and `import 'runlet'` are tested in their installed form
execFileSync(process.execPath, [join(root, 'scripts/prepare.mjs')], { stdio: 'inherit' });
/** Time after which a file counts as hung; soak runs raise it. */
const limitMs = Number(process.env.RUNLET_TEST_MINUTES ?? 20) * 60_000;
/** Time in which a file must end after its last test: a failed test may leave a server or a thread open. */
const endingMs = 30_000;

const files = readdirSync(here, { recursive: true, encoding: 'utf8' })
  .filter((f) => f.endsWith('.test.ts') && !f.includes('node_modules'))
  .map((f) => relative(root, join(here, f)))
  .filter((f) => wanted.length === 0 || wanted.some((w) => f.includes(w)))
  .sort();

// the tree is compiled once for all files (test/start); asc and binaryen start once (test/compiler)
const made = mkdtempSync(join(tmpdir(), 'runlet-tests-'));
await compileTree(join(made, 'tree'));
const compilerAt = process.platform === 'win32' ? `\\\\.\\pipe\\runlet-${process.pid}` : join(made, 'socket');
const compiler = spawn(process.execPath, [join(here, 'compiler/server.mjs'), compilerAt], { stdio: ['pipe', 'pipe', 'inherit'] });
await once(compiler.stdout, 'data');
const start = pathToFileURL(join(here, 'start/start.mjs')).href;
/**
 * Counts of a whole run, also in CI: random networks, those of each kind of pooling, compiled ones, quantised
 * ones; damaged files per parser, compiled ones among them; one in RUNLET_SHARE of long lists of models
 * (chosen by the seed). A file that is run by name uses its own larger counts.
 */
const wholeRunCounts = {
  RUNLET_NETWORKS: '80',
  RUNLET_POOLS: '6',
  RUNLET_ASC: '8',
  RUNLET_QDQ_NETWORKS: '16',
  RUNLET_FUZZ_COUNT: '400',
  RUNLET_FUZZ_BUILDS: '2',
  RUNLET_SHARE: '8',
};
const runEnvironment = {
  FORCE_COLOR: '0',
  RUNLET_TEST_RUNNER: String(process.pid),
  RUNLET_TEST_COMPILER: compilerAt,
  RUNLET_TEST_TREE: join(made, 'tree'),
  NODE_OPTIONS: `${process.env.NODE_OPTIONS ?? ''} --import ${pathToFileURL(join(here, 'compiler/client.mjs'))}`,
};

/** Returns true if a file measures the memory of its process, which must load nothing else. */
const measuresMemory = (file: string) => /^test[\\/]gateway[\\/]books/.test(file);

interface Outcome {
  file: string;
  passed: number;
  failed: number;
  skipped: number;
  /** Processor time in seconds. */
  cpu: number;
  text: string;
}

const count = (text: string, what: string): number => Number(new RegExp(`^\\s+${what}:\\s+([\\d.]+)`, 'm').exec(text)?.[1] ?? 0);

function runFile(file: string): Promise<Outcome> {
  return new Promise((resolve) => {
    const counts = { ...(wanted.length === 0 && wholeRunCounts), ...process.env };
    const [hooks, env] = measuresMemory(file)
      ? ['tsx', { ...counts, FORCE_COLOR: '0' }]
      : [start, { ...counts, ...runEnvironment }];
    const child = spawn(process.execPath, ['--import', hooks, file], { cwd: root, env });
    let text = '';
    let late = '';
    const endIn = (ms: number, why: string) =>
      setTimeout(() => {
        late = `\n${file}: ${why}\n`;
        child.kill('SIGKILL');
      }, ms);
    let timer = endIn(limitMs, `no end after ${limitMs / 60_000} minutes`);
    child.stdout.on('data', (part) => {
      const ended = /^\s+Skipped:/m;
      const before = ended.test(text);
      text += part;
      if (before || !ended.test(text)) return;
      clearTimeout(timer);
      timer = endIn(endingMs, `runs on ${endingMs / 1000} s after its last test`);
    });
    child.stderr.on('data', (part) => {
      text += part;
    });
    child.on('close', (code) => {
      clearTimeout(timer);
      const total = count(text, 'Total');
      const passed = count(text, 'Passed');
      const skipped = count(text, 'Skipped') || Number(total === 0 && /^skipped: /m.test(text));
      // a file that died, or ran no test and printed no skip, has failed
      const ran = total > 0 || skipped > 0 || /^skipped: /m.test(text);
      const failed = Math.max(total - passed, code === 0 && ran ? 0 : 1);
      resolve({ file, passed, failed, skipped, cpu: count(text, 'CPU'), text: text + late });
    });
  });
}

if (wanted.length === 0) {
  const counts = Object.entries(wholeRunCounts).map(([name, count]) => `${name}=${process.env[name] ?? count}`);
  console.log(`${counts.join(' ')}, seed ${process.env.RUNLET_SEED ?? 1}`);
}
const outcomes: Outcome[] = [];
/** Returns true for files of gateways and fleets, which wait for clocks, sockets and each other. */
const waits = (file: string) => /^test[\\/](fleet|gateway)[\\/]/.test(file);
/**
 * The longest files. They start first, so that none runs alone at the end; an outdated line only costs time.
 */
const long = [
  'mutants/mutants',
  ...['docs/how-to', 'docs/pages', 'docs/quantisation-page', 'docs/gateway-pages', 'docs/tutorials', 'host/make'],
  ...['fuzz/builds', 'mcu/host', 'packages/packages', 'examples/esphome', 'examples/vite', 'stages/targets', 'stages/models'],
  ...['export', 'property/inputs', 'property/streaming', 'property/weights', 'quant/mixed', 'stages/edge', 'write/qdq'],
  ...['host/fit', 'ops/ops', 'browser/web', 'training', 'esp32/listen', 'host/listening', 'stages/ecg', 'property/int16'],
  ...['host/cli-weights', 'examples/gateway', 'host/cli', 'examples/node', 'browser/compiler'],
  ...['wake-word/command', 'property/pooling', 'bare/networks', 'wamr/okay-nabu', 'stages/step-networks', 'wasi/runtimes'],
  ...['wamr/wamr', 'wamr/weights', 'wasi/wasi', 'mixers', 'pool-search', 'esp32/fits', 'browser/zoo'],
].map((name) => join('test', `${name}.test.ts`));
const rankOf = (file: string) => (long.includes(file) ? long.indexOf(file) : long.length);
const busy = files.filter((file) => !waits(file)).sort((a, b) => rankOf(a) - rankOf(b));
const waiting = files.filter(waits);
const started = performance.now();
async function work(next: () => string | undefined): Promise<void> {
  for (let file = next(); file; file = next()) {
    const from = performance.now();
    const outcome = await runFile(file);
    outcomes.push(outcome);
    const seconds = ((performance.now() - from) / 1000).toFixed(1);
    const lines = outcome.text
      .split('\n')
      .filter((l) => !/^\s*(Total|Passed|Skipped|Duration|CPU):|^[•✘\s]*(\(\d+ \/ \d+\))?\s*$/.test(l));
    const mark = outcome.failed > 0 ? 'FAIL' : 'ok  ';
    console.log(
      `${mark} ${file} (${outcome.passed} passed${outcome.skipped ? `, ${outcome.skipped} skipped` : ''}, ${seconds} s, cpu ${outcome.cpu} s)`,
    );
    for (const line of lines) console.log(`     ${line}`);
  }
}
const any = () => busy.shift() ?? waiting.shift();
const lanes = Array.from({ length: availableParallelism() + 1 }, () => work(any));
await Promise.all([...lanes, work(() => waiting.shift() ?? busy.shift())]);

compiler.stdin.end();
const [compilerSummary] = await once(compiler.stdout, 'data');
rmSync(made, { recursive: true, force: true });

const sum = (key: 'passed' | 'failed' | 'skipped') => outcomes.reduce((n, o) => n + o[key], 0);
const failures = outcomes.filter((o) => o.failed > 0);
if (files.length === 0) console.log(`no test file matches ${wanted.join(' ')}`);
if (failures.length > 0) console.log(`\nfailed: ${failures.map((o) => o.file).join(', ')}`);
const cpu = outcomes.reduce((total, o) => total + o.cpu, 0).toFixed(0);
console.log(
  `\n${files.length} files in ${((performance.now() - started) / 1000).toFixed(0)} s, cpu ${cpu} s; ${compilerSummary}`.trimEnd(),
);
const skipped = sum('skipped');
console.log(`${sum('passed')} passed, ${sum('failed')} failed${skipped ? `, ${skipped} skipped` : ''}`);
process.exitCode = failures.length > 0 || sum('passed') === 0 ? 1 : 0;
