/**
 * The design's rules about operators and modes, as tests: where their files are, and which files may name
 * one.
 */
import { dirname } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ops } from '../models/ops/index.ts';
import { unaryFns } from '../models/ops/unary.ts';
import { allFiles, sourcesIn, textOf, withoutComments } from './sources.ts';

const stages = ['models', 'quant', 'assembly', 'host'];

test('an operator is five files of one name', () => {
  const places: [folder: string, suffix: string, helpers: string[]][] = [
    ['models/ops', '.ts', ['op', 'sliding', 'unary', 'recurrent', 'index']],
    ['quant/ops', '.ts', ['op', 'sliding', 'tables', 'curves', 'int16', 'softmax-int16', 'gates', 'recurrent', 'index']],
    ['assembly/emit/ops', '.ts', ['op', 'sliding', 'global', 'fold', 'parts', 'taps', 'mac', 'int16', 'recurrent', 'index']],
    [
      'assembly/kernels',
      '.ts',
      [
        'elements-s16',
        'fetch',
        'finish',
        'finish-interp',
        'fixed-point',
        'global',
        'global-s16',
        'int16',
        'last-rows',
        'mac',
        'mac-relaxed',
        'mac-simd',
        'simd-tiles',
        'move',
        'needs',
        'parts',
        'patch',
        'pool-s16',
        'recurrent',
        'rows',
        'sliding',
        'taps',
      ],
    ],
    ['test/ops', '.cases.ts', []],
  ];
  const namesIn = ([folder, suffix, helpers]: (typeof places)[number]) =>
    allFiles
      .filter((f) => dirname(f) === folder && f.endsWith(suffix))
      .map((f) => f.slice(folder.length + 1, -suffix.length))
      .filter((n) => !helpers.includes(n));
  const [expected] = places.map(namesIn);
  assert.ok((expected?.length ?? 0) >= 12);
  for (const name of expected ?? []) assert.match(name, /^[a-z]+$/, 'one lower-case word');
  for (const place of places) {
    const kernels = place[0] === 'assembly/kernels';
    // a faster variant of a kernel is <operator>-<variant>.ts
    // the audio front end is no operator of a graph
    const found = namesIn(place).filter(
      (n) => !(kernels && (/^frontend/.test(n) || (expected?.includes(n.replace(/-.*/, '')) && n.includes('-')))),
    );
    assert.equal(found, expected, place[0]);
  }
});

/** Files that may compare an operator's name, and why. */
const comparing: [path: RegExp, why: string][] = [
  [/^models\/(ops|read|write)\//, 'operators themselves; what formats call them'],
  [/^quant\/ops\//, 'integer operators'],
  [/^assembly\/emit\/(ops|targets)\//, "an operator's emission; a target's kernels for layers with weights"],
  [/^models\/graph\/fold(-crop|-pool|-powers|-scale|-selection)?\.ts$/, 'rewriting: a pattern consists of operators'],
  [/^quant\/swap-depthwise\.ts$/, 'rewriting: one operator replaces another'],
  [/^models\/graph\/print\.ts$/, 'prints the function of an activation'],
  [/^models\/graph\/stateful\.ts$/, 'a history is what earlier rows become'],
];
/** Further files that may name an operator: they make nodes, or list names. */
const naming: [path: RegExp, why: string][] = [
  [/^models\/graph\/(types|file-schema)\.ts$/, 'attributes of each operator'],
  [/^models\/graph\/(channels|recurrent)\.ts$/, 'types of the nodes with weights, or with a state'],
  [/^models\/graph\/step-graph\.ts$/, 'makes a history of a state that a file keeps outside'],
  [/^models\/stream\/chain\.ts$/, "makes the next model's rows"],
  [/^models\/stream\/windows\.ts$/, 'crops rows to a shorter window'],
  [/^quant\/methods\/normalise-inputs\.ts$/, 'makes a layer that normalises the input'],
  [/^assembly\/emit\/(blocks|sliding-blocks|kernels)\.ts$|^assembly\/interpreters\//, 'generated'],
  [/^host\/bench\/networks\.ts$/, 'makes the networks of the benchmark'],
];
/** Words that mean something else there. */
const otherMeanings: Record<string, RegExp> = {
  'host/cli/inspect.ts': /spare: \[[^\]]*\]/,
  'models/frontend/parameters.ts': /\['multiply', 'add', 'divide'\]/,
  'models/graph/print.ts': /const graphHead[^;]*;/,
  'models/graph/rounding.ts': /const rules[^;]*;/,
  'assembly/emit/explain.ts': /startsWith\('(dense|depthwise)'\)/g,
};

const one = (names: readonly string[]): string => `['"\`](${names.join('|')})['"\`]`;
const operators = one(Object.keys(ops));
const functions = one([...Object.keys(ops), ...unaryFns]);
const condition = new RegExp(
  `\\b(op|fn)\\s*[!=]==?\\s*${functions}|${functions}\\s*[!=]==?\\s*[\\w.]*\\b(op|fn)\\b|\\bcase\\s+${functions}`,
);
const codeOf = (file: string): string => withoutComments(textOf(file)).replace(otherMeanings[file] ?? /$^/, '');

test('what a stage asks of an operator is a field of its definition: no condition elsewhere names one', () => {
  const compares = (f: string) => condition.test(codeOf(f));
  const files = sourcesIn(...stages);
  assert.equal(
    files.filter((f) => !comparing.some(([path]) => path.test(f)) && compares(f)),
    [],
  );
  for (const [path] of comparing)
    assert.ok(
      files.some((f) => path.test(f) && compares(f)),
      `${path}: no longer needed`,
    );
});

test('no file but those listed names an operator', () => {
  const names = (f: string) => new RegExp(operators).test(codeOf(f));
  const files = sourcesIn(...stages);
  assert.equal(
    files.filter((f) => ![...comparing, ...naming].some(([path]) => path.test(f)) && names(f)),
    [],
  );
  for (const [path] of naming)
    assert.ok(
      files.some((f) => path.test(f) && names(f)),
      `${path}: no longer needed`,
    );
});

test('modes approx and misaligned stand behind one door: the planner, the quantiser and the emitter ask what a mode does', () => {
  const door = ['models/stream/modes.ts', 'assembly/bundle/manifest.ts', 'assembly/bundle/check.ts'];
  const names = sourcesIn('models/stream', 'models/graph', 'quant', 'assembly').filter((f) =>
    /['"`](approx|misaligned)['"`]/.test(withoutComments(textOf(f))),
  );
  assert.equal(names.sort(), [...door].sort());
});

test.run();
