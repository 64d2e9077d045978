/**
 * The commands and the examples of README.md and docs/ run, and print what the pages say that they print.
 *
 * In: fenced blocks. `sh`: each line is run, `# exit N` at its end says which exit code it has (else 0). `text` right after it: each line
 * must be printed, `…` stands for anything. `ts`: run as a script. All in a temporary folder that looks like a clone with an empty out/.
 * Slow commands are not run here: `.ci/run` has them, and this test sees to that.
 */
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, posix } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { root } from './shared.ts';
import { allFiles, textOf } from './sources.ts';

const pages = ['README.md', ...allFiles.filter((f) => f.startsWith('docs/') && f.endsWith('.md'))];
const ci = textOf('.ci/run')
  .split('\n')
  .map((line) => line.trim());
const scripts = (JSON.parse(textOf('package.json')) as { scripts: Record<string, string> }).scripts;

/** Commands that are not run here; each gives what is wrong with it, or nothing. */
const slow: [RegExp, (...found: string[]) => string | undefined][] = [
  [
    /^npm (?:ci|test|run (?:demo(?::(?:ppg|har|ecg))?|check|bench))$/,
    (line) => (ci.includes(line) ? undefined : 'is not in .ci/run'),
  ],
  [
    /^npm run paper(?: -- --(?:quick|write))?$/,
    () => (ci.includes('npm run paper -- --quick') && scripts.paper ? undefined : 'is not in .ci/run'),
  ],
  [
    /^npm run (bench:install|bench:peers|bench:wamr|scaling)(?: -- .*)?$/,
    (_, name) => (ci.some((line) => line.split(' -- ')[0] === `npm run ${name}`) ? undefined : 'is not in .ci/run'),
  ],
  [
    /^npm test -- (\S+)$/,
    (_, part) => (allFiles.some((f) => f.endsWith('.test.ts') && f.includes(part as string)) ? undefined : 'names no test'),
  ],
  [
    /^npm run soak -- (\S+)$/,
    (_, name) =>
      scripts.soak && new RegExp(`^  '?${name}'?: \\{`, 'm').test(textOf('scripts/soak.ts')) ? undefined : 'names no soak run',
  ],
];

interface Result {
  code: number | null;
  text: string;
}

/** A folder with the clone's entries as links, and an out/ of its own. */
const folder = mkdtempSync(join(tmpdir(), 'runlet-docs-'));
for (const name of readdirSync(root)) if (name !== 'out' && name !== '.git') symlinkSync(join(root, name), join(folder, name));
mkdirSync(join(folder, 'out'));

function run(command: string, args: string[]): Promise<Result> {
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd: folder, env: { ...process.env, FORCE_COLOR: '0', COLUMNS: '200' } });
    let text = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (part: string) => {
        text += part;
      });
    child.on('error', (error) => resolve({ code: null, text: error.message }));
    child.on('close', (code) => resolve({ code, text }));
  });
}

/** Output by command, a package's (`npx runlet`) or a clone's (`./runlet`): a command that stands on several pages runs once. */
const done = new Map<string, Promise<Result>>();
const runLine = (line: string): Promise<Result> => {
  const known = done.get(line);
  if (known) return known;
  const direct = line.replace(/\bnpx runlet\b/g, `'${process.execPath}' host/cli/bin.js`);
  const result = run('sh', ['-c', direct]);
  done.set(line, result);
  return result;
};

/** Runtimes that a page names: their lines run where they are installed, and in test/wasi too. */
const runtime = /^(?:iwasm|wasmtime|wasmedge|wasmer|wasm3)(?= )/;
/** Lines that count instructions in QEMU, for a board with a Cortex-M, run where its tools are. */
const counting = /^(?:npx |\.\/)runlet fit .* --measure\b/;
const countingTools = ['wasm2c', 'arm-none-eabi-gcc', 'qemu-system-arm'];
const isThere = (program: string) => spawnSync(program, ['--version']).error === undefined;

const isRunnable = (line: string): boolean =>
  /^(mkdir -p out\b|node --no-warnings -e |npx (?:runlet|asc) |\.\/runlet |node host\/cli\/bin\.js |tail .*\| (?:npx |\.\/)runlet )/.test(
    line,
  );

/** Runs one command, or checks that a slow one is where it is run. */
async function check(page: string, given: string): Promise<string> {
  const [, command, exit] = /^(.*?)(?:\s+# exit (\d))?$/.exec(given) as unknown as [string, string, string | undefined];
  const rule = slow.find(([pattern]) => pattern.test(command));
  if (rule) {
    const wrong = rule[1](...(rule[0].exec(command) ?? []));
    assert.is(wrong, undefined, `${page}: ${command} ${wrong}`);
    return '';
  }
  const [runs] = runtime.exec(command) ?? [];
  const needed = counting.test(command) ? countingTools.find((name) => !isThere(name)) : runs;
  if (needed && !isThere(needed)) {
    console.log(`  not run, no ${needed}: ${command}`);
    return '';
  }
  assert.ok(runs || isRunnable(command), `${page}: ${command} is not a command that this test knows`);
  const { code, text } = await runLine(command);
  assert.is(code, Number(exit ?? 0), `${page}: ${command}\n${text}`);
  return text;
}

const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

/** Lines of a text block that were not printed. */
function missing(expected: string, printed: string): string[] {
  const lines = printed.split('\n').map((line) => line.trimEnd());
  return expected
    .split('\n')
    .map((line) => line.trimEnd())
    .filter((line) => line !== '' && line !== '…')
    .filter((line) => {
      const pattern = new RegExp(`^${line.split('…').map(escaped).join('.*')}$`);
      return !lines.some((found) => pattern.test(found));
    });
}

interface Fence {
  kind: string;
  text: string;
  /** Nothing stands between this block and the one before. */
  follows: boolean;
}

function fences(text: string): Fence[] {
  let end = -1;
  return [...text.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)].map(({ 0: whole, 1: kind, 2: body, index }) => {
    const follows = end >= 0 && text.slice(end, index).trim() === '';
    end = index + whole.length;
    return { kind: kind as string, text: body as string, follows };
  });
}

const commandsOf = (block: string): string[] =>
  block
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line && !line.startsWith('#'))
    .flatMap((line) => line.split(' && '));

let ran = 0;
for (const page of pages) {
  const blocks = fences(textOf(page));
  if (!blocks.some(({ kind }) => ['sh', 'ts'].includes(kind))) continue;
  test(`${page}: commands and examples run, and print what stands there`, async () => {
    let printed = '';
    for (const [i, { kind, text, follows }] of blocks.entries()) {
      if (kind === 'sh') {
        printed = '';
        ran++;
        for (const line of commandsOf(text)) printed += await check(page, line);
      } else if (kind === 'ts') {
        ran++;
        const file = `example-${posix.basename(page, '.md').toLowerCase()}-${i}.ts`;
        writeFileSync(join(folder, file), text);
        const result = await run(process.execPath, ['--import', 'tsx', file]);
        assert.is(result.code, 0, `${page}, example:\n${text}\n${result.text}`);
        assert.ok(result.text.length > 0, 'the example prints something');
        printed = result.text;
      } else if (kind === 'text' && follows) {
        assert.equal(missing(text, printed), [], `${page}: not printed. What was:\n${printed.slice(0, 4000)}`);
      }
    }
  });
}

test('rows of tables that end in a command: the command prints the numbers of the row', async () => {
  let rows = 0;
  for (const page of pages)
    for (const [, cells, command] of textOf(page).matchAll(/^\|(.*)\|\s*`((?:(?:npx |\.\/)runlet|npm)[^`]*)`\s*\|$/gm)) {
      const printed = await check(page, command as string);
      rows++;
      if (printed === '') continue;
      const [figure] = (cells as string).split('|').slice(-1) as [string];
      for (const number of figure.match(/\d[\d,.]*\d|\d/g) ?? [])
        assert.ok(printed.includes(number), `${page}: ${command} does not print ${number}`);
    }
  assert.ok(rows >= 8, `${rows} rows`);
});

test('links to files lead somewhere', () => {
  for (const page of pages)
    for (const [, target] of textOf(page).matchAll(/\]\(([^)#:]+)(?:#[^)]*)?\)/g)) {
      const path = posix.join(dirname(page), target as string);
      assert.ok(
        allFiles.some((f) => f === path || f.startsWith(`${path}/`)),
        `${page}: ${target}`,
      );
    }
});

test('README lists the operators that `runlet ops` lists', async () => {
  const { ops, formats } = JSON.parse((await runLine('npx runlet ops --json')).text) as {
    ops: { op: string }[];
    formats: Record<string, string[]>;
  };
  const row = (title: string) => new RegExp(`^\\| ${title} \\| (.*) \\|$`, 'm').exec(textOf('README.md'))?.[1];
  assert.is(row('operators'), ops.map(({ op }) => op).join(', '));
  assert.is(row('TensorFlow Lite'), formats.tflite?.join(', '));
  assert.is(row('ONNX'), formats.onnx?.join(', '));
  assert.is(row('TensorFlow.js'), formats.tfjs?.join(', '));
});

test('the blocks were found', () => assert.ok(ran >= 8, `${ran} blocks ran`));

test.after(() => rmSync(folder, { recursive: true, force: true }));

test.run();
