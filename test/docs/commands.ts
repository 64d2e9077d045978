/**
 * Which commands of the documentation run in its tests, which run elsewhere, and which need a tool that may
 * be absent.
 *
 * In: a command as a page has it.  Out: what to do with it. A command that no rule knows fails the test of
 * its page.
 */
import { spawnSync } from 'node:child_process';
import { all as faults } from '../mutants/all.ts';
import { allFiles, textOf } from '../sources.ts';

const ci = textOf('.ci/run')
  .split('\n')
  .map((line) => line.trim());
const { scripts } = JSON.parse(textOf('package.json')) as { scripts: Record<string, string> };

/** Slow commands, which are not run here. Each rule gives what is wrong with the command, or nothing. */
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
  // `npm run check` compares what it writes
  [/^npm run (generate)$/, (_, name) => (scripts[name as string] ? undefined : 'is no script')],
  [
    /^npm run soak -- (\S+)$/,
    (_, name) =>
      scripts.soak && new RegExp(`^  '?${name}'?: \\{`, 'm').test(textOf('scripts/soak.ts')) ? undefined : 'names no soak run',
  ],
];

/**
 * For a command that runs elsewhere, what is wrong with it ('' for nothing); undefined for any other command.
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
  /** Names of tools that are absent. */
  absent: (command: string) => string[];
  /** What comes later on the page needs what this command makes. */
  needed: boolean;
}

const tools: Tool[] = [
  {
    // tested in test/wasi too
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

/** The tool that a command needs and that is absent. */
export function absentTool(command: string): Absence | undefined {
  const tool = tools.find(({ pattern }) => pattern.test(command));
  const [absent] = tool?.absent(command) ?? [];
  return absent === undefined ? undefined : { tool: absent, needed: tool?.needed ?? false };
}

/** Whether a rule above says that the command may run here. */
export const isKnown = (command: string): boolean => here.test(command) || tools.some(({ pattern }) => pattern.test(command));
