/**
 * Rules for the documentation's commands: which run in its tests, which elsewhere, which need optional tools.
 *
 * In: a command as on the page.  Out: what to do with it. A command without a rule fails its page's test.
 */
import { spawnSync } from 'node:child_process';
import { natsProgram } from '../../scripts/cluster/nats-server.ts';
import { all as faults } from '../mutants/all.ts';
import { allFiles, textOf } from '../sources.ts';

const ci = textOf('.ci/run')
  .split('\n')
  .map((line) => line.trim());
const { scripts } = JSON.parse(textOf('package.json')) as { scripts: Record<string, string> };

/** Slow commands, which are not run here. Each rule returns what is wrong with the command, or undefined. */
const elsewhere: [RegExp, (...found: string[]) => string | undefined][] = [
  [
    /^npm (?:ci|test|run (?:demo(?::(?:kws|ppg|har|vad))?|check|bench|docs))$/,
    (line) => (ci.includes(line) ? undefined : 'is not in .ci/run'),
  ],
  [
    /^npm run paper(?: -- --(?:quick|write))?$/,
    () => (ci.includes('npm run paper -- --quick') && scripts.paper ? undefined : 'is not in .ci/run'),
  ],
  [
    /^npm run (bench:install|bench:peers|bench:wamr|figures)(?: -- .*)?$/,
    (_, name) => (ci.some((line) => line.split(' -- ')[0] === `npm run ${name}`) ? undefined : 'is not in .ci/run'),
  ],
  [/^npx runlet bench .*--bounds \S+$/, (line) => (ci.includes(line) ? undefined : 'is not in .ci/run')],
  [
    /^npm test -- (\S+)$/,
    (_, part) => (allFiles.some((f) => f.endsWith('.test.ts') && f.includes(part as string)) ? undefined : 'names no test'),
  ],
  [
    /^RUNLET_CASES='(\w+), ([^']+)' RUNLET_TARGETS=\w+ npm test -- ops\/ops$/,
    (_, op, name) => (textOf(`test/ops/${op}.cases.ts`).includes(`'${name}'`) ? undefined : 'names no case'),
  ],
  [
    /^node --import tsx test\/mutants\/run\.ts (\S+)$/,
    (_, part) => (faults.some(({ id, file }) => `${file} ${id}`.includes(part as string)) ? undefined : 'names no fault'),
  ],
  [
    /^npm run golden -- (\S+)$/,
    (_, part) => (textOf('test/golden/modules.json').includes(`\n  "${part}`) ? undefined : 'names no build'),
  ],
  // `npm run check` compares the files that it writes
  [/^npm run (generate)$/, (_, name) => (scripts[name as string] ? undefined : 'is no script')],
  [
    /^npm run soak -- (\S+)$/,
    (_, name) =>
      scripts.soak && new RegExp(`^  '?${name}'?: \\{`, 'm').test(textOf('scripts/soak.ts')) ? undefined : 'names no soak run',
  ],
];

/**
 * Returns what is wrong with a command that runs elsewhere ('' for nothing), or undefined if it runs here.
 */
export function ranElsewhere(command: string): string | undefined {
  const rule = elsewhere.find(([pattern]) => pattern.test(command));
  return rule && (rule[1](...(rule[0].exec(command) ?? [])) ?? '');
}

const here =
  /^(?:mkdir -p out\b|cp |sleep \d|node (?:--no-warnings -e |out\/|host\/cli\/bin\.js )|npx (?:runlet|asc|esbuild) |\.\/runlet |tail -n 1 out\/|tail .*\| (?:(?:npx |\.\/)runlet |out\/))/;

const starts = (program: string, ...args: string[]): boolean => spawnSync(program, args).status === 0;
const isThere = (program: string): boolean => spawnSync(program, ['--version']).error === undefined;

interface Tool {
  pattern: RegExp;
  /** Returns the names of missing tools. */
  absent: (command: string) => string[];
  /** True if later commands on the page need the result of this one. */
  needed: boolean;
}

const tools: Tool[] = [
  {
    // also tested in test/wasi
    pattern: /^(?:iwasm|wasmtime|wasmedge|wasmer|wasm3) /,
    absent: (command) => [command.split(' ')[0] as string].filter((name) => !isThere(name)),
    needed: false,
  },
  {
    // counts instructions in QEMU, for a board with a Cortex-M
    pattern: /^(?:npx |\.\/)runlet fit .* --measure\b/,
    absent: () => ['wasm2c', 'arm-none-eabi-gcc', 'qemu-system-arm'].filter((name) => !isThere(name)),
    needed: false,
  },
  { pattern: /^arm-none-eabi-/, absent: () => ['arm-none-eabi-gcc'].filter((name) => !isThere(name)), needed: false },
  { pattern: /^python3 -m http\.server /, absent: () => ['python3'].filter((name) => !isThere(name)), needed: true },
  { pattern: /^npm run cluster:(?:demo|kill)/, absent: () => (natsProgram ? [] : ['nats-server']), needed: true },
  { pattern: /^gcc /, absent: () => ['gcc'].filter((name) => !isThere(name)), needed: true },
  {
    pattern: /^python /,
    absent: () => {
      const modules = 'import torch, onnx, onnxscript';
      return starts(process.env.RUNLET_PYTHON ?? 'python3', '-c', modules)
        ? []
        : ['Python with torch, onnx and onnxscript (RUNLET_PYTHON)'];
    },
    needed: true,
  },
];

export interface Absence {
  tool: string;
  needed: boolean;
}

/** Returns the missing tool that a command needs, if there is one. */
export function absentTool(command: string): Absence | undefined {
  const tool = tools.find(({ pattern }) => pattern.test(command));
  const [absent] = tool?.absent(command) ?? [];
  return absent === undefined ? undefined : { tool: absent, needed: tool?.needed ?? false };
}

/** Checks whether a rule above allows the command to run here. */
export const isKnown = (command: string): boolean => here.test(command) || tools.some(({ pattern }) => pattern.test(command));
