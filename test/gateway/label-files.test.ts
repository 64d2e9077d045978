/**
 * `runlet collect labels`: CSV and Label Studio's tasks out and in keep labels, annotators and seconds; files
 * of others; hostile files, each refused with its place; what does not fit the gateway is counted.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { windowJson } from '../../host/gateway/collect/window-json.ts';
import { Door } from '../../host/gateway/http/door.ts';
import { type Served, serve } from '../../host/gateway/http/serve.ts';
import type { Label, WindowLabel } from '../../host/learn/label-schema.ts';
import { csvHead, csvOf, readCsvLabels } from '../../host/remote/label-file.ts';
import { readTasks, taskOf } from '../../host/remote/label-studio.ts';
import { isRunletError } from '../../models/error.ts';
import { runCli } from '../host/helpers.ts';
import { CrashDisk } from './crash-disk.ts';
import { type Kind, labelGateway, recordOf } from './label-fixture.ts';

const folder = mkdtempSync(join(tmpdir(), 'runlet-labels-'));
const token = 'a-token-of-some-length';
const { gateway, app, add, close } = await labelGateway(new CrashDisk());
const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
let served: Served;
test.before(async () => {
  served = await serve({ app, door: new Door({ token }), host: '127.0.0.1', port: 0 });
  writeFileSync(join(folder, 'token'), token);
});
test.after(async () => {
  rmSync(folder, { recursive: true, force: true });
  await served.stop();
  await close();
});
test.before.each(async () => {
  for (const slot of ['main', 'pulse'] as const) await gateway.collection.slot(slot).windows.clear();
});

const collect = (slot: Kind, ...args: string[]) =>
  runCli(folder, ['collect', 'labels', '--from', served.url, '--token-file', 'token', '--slot', slot, ...args]);

/** Labels that are hard to write: separators, quotes, signs, other scripts, a class named as a number. */
const hard: Label[] = [
  { annotator: 'Anna', label: 'walk', seconds: 1.25 },
  { annotator: 'B; "C", D', label: false, seconds: 0 },
  { annotator: '# nobody', label: null },
  { annotator: ' space ', label: 'up', seconds: 1e-7 },
  { annotator: '=1+1', label: '3' },
  { annotator: 'Ünï 日本 🙂', label: '=HYPERLINK("x")\n, and a line', seconds: 12_345.678 },
  { annotator: 'null', label: 'null' },
];
const values: Label[] = [
  { annotator: 'Anna', label: 72.5, seconds: 2 },
  { annotator: 'Ben', label: -0.001, seconds: 3 },
  { annotator: 'Cleo', label: 3e-300 },
  { annotator: 'Dora', label: null, seconds: 1 },
];

for (const form of ['csv', 'json'])
  test(`labels go out as .${form} and in again: the same labels, annotators and seconds`, async () => {
    const kept: [Kind, number, Label[]][] = [];
    for (const [slot, labels] of [
      ['main', hard],
      ['pulse', values],
    ] as const) {
      // biome-ignore format: a table
      const [first, second] = (await add(slot, recordOf(slot, 1), recordOf(slot, 2))) as [number, number];
      const { windows } = gateway.collection.slot(slot);
      for (const label of labels) await windows.label(first, label);
      await windows.label(second, { annotator: 'Anna', label: null });
      kept.push([slot, first, labels], [slot, second, [{ annotator: 'Anna', label: null }]]);
      const out = await collect(slot, '-o', `${slot}.${form}`);
      assert.is(out.code, 0, out.stderr);
      assert.match(out.stdout, new RegExp(`windows +2, with ${labels.length + 1} labels`));
      for (const id of [first, second])
        for (const { annotator } of await windows.labels(id)) await windows.unlabel(id, annotator);
    }
    for (const slot of ['main', 'pulse'] as const) {
      const back = await collect(slot, '--import', `${slot}.${form}`, '--json');
      assert.is(back.code, 0, back.stderr);
      const unknown = slot === 'main' ? ['3', '=HYPERLINK("x")\n, and a line', 'null'] : [];
      const count = slot === 'main' ? hard.length + 1 : values.length + 1;
      assert.equal(JSON.parse(back.stdout), { file: `${slot}.${form}`, read: count, stored: count, missing: 0, full: 0, skipped: 0, unknownClasses: unknown }); // biome-ignore format: one line
    }
    for (const [slot, id, labels] of kept) assert.equal(await gateway.collection.slot(slot).windows.labels(id), labels, slot);
    // again: nothing changes
    assert.is((await collect('main', '--import', `main.${form}`)).code, 0);
    assert.equal(await gateway.collection.slot('main').windows.labels((kept[0] as (typeof kept)[number])[1]), hard);
  });

test('any label survives both forms', () => {
  const name = fc
    .string({ minLength: 1, maxLength: 32, unit: 'grapheme' })
    .filter((text) => !/\p{Cc}/u.test(text) && text.length <= 64);
  const label = fc.oneof(
    fc.string({ minLength: 1, maxLength: 60, unit: 'grapheme' }).filter((text) => !text.startsWith('(n')),
    fc.double({ noNaN: true, noDefaultInfinity: true }).map((x) => x + 0),
    fc.constantFrom(false as const, null),
  );
  const seconds = fc.option(fc.double({ min: 0, max: 1e9, noNaN: true }).map(Math.abs), { nil: undefined });
  const one = fc.record({ window: fc.integer({ min: 0, max: 2 ** 52 }), annotator: name, label, seconds });
  fc.assert(
    fc.property(fc.array(one, { maxLength: 6 }), (given) => {
      const labels = given.map(({ seconds: s, ...rest }) => ({
        ...rest,
        ...(s !== undefined && { seconds: s }),
      })) as WindowLabel[];
      assert.equal(readCsvLabels(bytesOf(csvHead + csvOf(labels)), 'x.csv'), labels);
      const tasks = labels.map(({ window, ...rest }) => taskOf({ ...windowJson(window, { ...recordOf('pulse', 1), labels: [rest] }) }, 'pulse')); // biome-ignore format: one line
      assert.equal(readTasks(bytesOf(JSON.stringify(tasks)), 'x.json'), { labels, skipped: 0 });
    }),
    { seed: Number(process.env.RUNLET_SEED ?? 26), numRuns: 150 },
  );
});

test('a task has the signal in real values, with time from the start of the window, and nothing that the model said', async () => {
  const [id] = (await add('main', recordOf('main', 4, ['uncertain', 'random']))) as [number];
  assert.is((await collect('main', '-o', 'one.json', '--reason', 'random')).code, 0);
  const [task] = JSON.parse(readFileSync(join(folder, 'one.json'), 'utf8')) as {
    data: Record<string, unknown>;
    annotations: [];
  }[];
  const { signal, ...facts } = (task?.data ?? {}) as { signal: Record<string, number[]> };
  assert.equal(facts, { window: id, slot: 'main', stream: 'watch-1', time: new Date(1.7e12 + 240_000).toISOString(), version: '1.1.0', reasons: 'uncertain, random' }); // biome-ignore format: one line
  assert.equal(Object.keys(signal), ['seconds', ...[0, 1, 2, 3, 4, 5].map((i) => `imu_${i}`)]);
  const stored = new Int8Array(recordOf('main', 4).signal.buffer);
  assert.equal(signal.imu_2, Array.from({ length: 256 }, (_, t) => Number((0.02 * (stored[6 * t + 2] as number)).toPrecision(6)))); // biome-ignore format: one line
  assert.equal([signal.seconds?.[0], signal.seconds?.[64], signal.seconds?.[65]], [-64 / 50, 0, 0.02]);
  assert.equal(task?.annotations, []);
});

test('an export of Label Studio: users, edited answers, spans, skipped ones', () => {
  const label = (result: object[], more: object = {}) => ({ id: 7, task: 1, created_at: 'x', result, ...more });
  const choices = (...all: string[]) => ({ id: 'a', from_name: 'label', to_name: 'signal', origin: 'manual', type: 'choices', value: { choices: all } }); // biome-ignore format: one line
  const span = (name: string, start: number) => ({ type: 'timeserieslabels', value: { start, end: start + 1, instant: false, timeserieslabels: [name] } }); // biome-ignore format: one line
  const tasks = [
    {
      id: 12,
      data: { window: 5, signal: { seconds: [0] } },
      predictions: [],
      annotations: [
        label([choices('walk')], { completed_by: { id: 3, email: 'anna@example.org' }, lead_time: 4.288, was_cancelled: false }),
        label([choices('run')], { completed_by: 10, lead_time: null }),
        label([span('sit', 0), span('sit', 2)]),
        label([], { was_cancelled: true }),
        label([choices('walk')], { was_cancelled: true }),
        label([]),
      ],
    },
    { data: { window: 6 } },
  ];
  assert.equal(readTasks(bytesOf(JSON.stringify(tasks)), 'x.json'), {
    labels: [
      { window: 5, annotator: 'anna@example.org', label: 'walk', seconds: 4.288 },
      { window: 5, annotator: 'user 10', label: 'run' },
      { window: 5, annotator: 'Label Studio', label: 'sit' },
    ],
    skipped: 3,
  });
});

test('a CSV file of others: any order, other columns, semicolons, no kind', () => {
  const text = '\ufefflabel;Annotator;note;window\r\nwalk;Anna;"a ""b""";7\r\n\r\n3;Ben;;8\r\n';
  assert.equal(readCsvLabels(bytesOf(text), 'x.csv'), [
    { window: 7, annotator: 'Anna', label: 'walk' },
    { window: 8, annotator: 'Ben', label: '3' },
  ]);
});

const head = 'window,annotator,kind,label,seconds\n';
const one = (more: object) => JSON.stringify([{ data: { window: 1 }, annotations: [{ result: [], ...more }] }]);
const choice = (...choices: unknown[]) => ({
  result: choices.map((value) => ({ type: 'choices', value: { choices: [value] } })),
});
const hostile: [file: string, content: string | Uint8Array, where: RegExp][] = [
  ['a.csv', '', /line 1: there is no column window/],
  ['a.csv', 'window,label\n1,a\n', /line 1: there is no column annotator/],
  ['a.csv', `${head}1,Anna,class,walk,1\n1,Anna,class,,1\n`, /line 3: label/],
  ['a.csv', `${head}1,Anna,class,walk,-1\n`, /line 2: seconds/],
  ['a.csv', `${head}1,Anna,class,walk,soon\n`, /line 2: seconds/],
  ['a.csv', `${head}1,Anna,value,0x10,\n`, /line 2: label: "0x10" is not a number/],
  ['a.csv', `${head}1,Anna,value,1e999,\n`, /line 2: label/],
  ['a.csv', `${head}1,Anna,maybe,a,\n`, /line 2: kind: "maybe"/],
  ['a.csv', `${head}1.5,Anna,class,a,\n`, /line 2: window/],
  ['a.csv', `${head}9007199254740993,Anna,class,a,\n`, /line 2: window/],
  ['a.csv', `${head}1,${'x'.repeat(65)},class,a,\n`, /line 2: annotator/],
  ['a.csv', `${head}1,"An\nna",class,a,\n`, /line 3: annotator/],
  ['a.csv', `${head}1,Anna,class,"a,\n`, /line \d: .*Quote/i],
  ['a.csv', `${head}${'y'.repeat(1 << 20)}`, /line \d: .*[Rr]ecord/],
  ['a.csv', Uint8Array.of(0xff, 0xfe, 0x41), /not UTF-8/],
  ['a.json', '{', /not JSON/],
  ['a.json', '[1', /not JSON/],
  ['a.json', '{"data": {"window": 1}}', /not a list of tasks/],
  ['a.json', '[null]', /task 1/],
  ['a.json', '[{"data": {"window": 1}}, {"data": {}}]', /task 2: data\.window/],
  ['a.json', one({ result: {} }), /task 1: annotations\.0\.result/],
  ['a.json', one(choice('a', 'b')), /task 1, annotation 1: it has several answers/],
  ['a.json', one(choice(1)), /task 1: annotations/],
  ['a.json', one({ ...choice('a'), lead_time: -1 }), /task 1, annotation 1: seconds/],
  ['a.json', one({ ...choice('a'), completed_by: { email: 'x\u0007' } }), /task 1, annotation 1: annotator/],
  ['a.json', one(choice('x'.repeat(129))), /task 1, annotation 1: label/],
  ['a.json', `[{"data": {"window": -1}, "annotations": [${JSON.stringify(choice('a'))}]}]`, /task 1, annotation 1: window/],
  ['a.json', '['.repeat(200_000), /not JSON/],
  ['a.json', `[{"data": {"window": 1, "__proto__": {"x": 1}}, "annotations": "x"}]`, /task 1: annotations/],
]; // biome-ignore format: a table

test('hostile files are refused with their place, and nothing of them is stored', async () => {
  for (const [name, content, where] of hostile) {
    const bytes = typeof content === 'string' ? bytesOf(content) : content;
    const shown = typeof content === 'string' ? content.slice(0, 80) : 'bytes';
    try {
      if (name.endsWith('.csv')) readCsvLabels(bytes, name);
      else readTasks(bytes, name);
    } catch (error) {
      if (!isRunletError(error)) throw error;
      assert.is(error.code, 'RN893', shown);
      assert.match(`${error.parts.where}: ${error.parts.why}`, where, shown);
      assert.ok((error.parts.why ?? '').length <= 300 && !/\p{Cc}/u.test(error.parts.why ?? ''), shown);
      continue;
    }
    assert.unreachable(`it was read: ${shown}`);
  }
  const [id] = (await add('main', recordOf('main', 1))) as [number];
  writeFileSync(join(folder, 'half.csv'), `${head}${id},Anna,class,walk,1\n${id},,class,walk,1\n`);
  const half = await collect('main', '--import', 'half.csv');
  assert.is(half.code, 4, half.stderr);
  assert.match(half.stderr, /RN893.*half\.csv, line 3/s);
  assert.equal(await gateway.collection.slot('main').windows.labels(id), []);
  // a file that is too large is not read
  writeFileSync(join(folder, 'large.csv'), head);
  truncateSync(join(folder, 'large.csv'), (64 << 20) + 1);
  assert.match((await collect('main', '--import', 'large.csv')).stderr, /RN893.*limit/s);
});

test('windows that the gateway does not have are counted; a bounded file is complete or not there', async () => {
  const [id] = (await add('main', recordOf('main', 1))) as [number];
  writeFileSync(join(folder, 'some.csv'), `${head}${id},Anna,class,walk,1\n7,Anna,class,walk,1\n${id},Ben,class,fly,\n`);
  const back = await collect('main', '--import', 'some.csv');
  assert.match(back.stdout, /labels +2 of 3 stored\nleft out +1 of windows that the gateway does not have\nunknown +1 classes .*fly/); // biome-ignore format: one line
  const table = await collect('main');
  assert.match(table.stdout, /labelled +1 windows; annotators differ on 1\n.*Anna: 1 answers, 0 not sure, 1 s, median 1\.0 s\n.*Ben: 1 answers.*0 s\nagreement +Anna and Ben: kappa 0\.00, 1 windows/); // biome-ignore format: one line
  const small = await collect('main', '-o', 'small.json', '--max-bytes', '1000');
  assert.match(small.stderr, /RN740.*--max-bytes/s);
  assert.not.ok(existsSync(join(folder, 'small.json')) || existsSync(join(folder, 'small.json.part')));
  for (const [args, what] of [
    [['-o', 'labels.txt'], /\.csv or \.json/],
    [['-o', 'a.csv', '--import', 'some.csv'], /out or in/],
    [['-o', 'a.csv', '--labelled'], /no effect/],
    [['--import', 'none.csv'], /RN720/],
  ] as const)
    assert.match((await collect('main', ...args)).stderr, what, args.join(' '));
  assert.ok(statSync(join(folder, 'some.csv')).size > 0);
  const pull = await runCli(folder, ['collect', 'pull', '--from', served.url, '--token-file', 'token']);
  assert.match(pull.stderr, /RN740.*-o set\.npz/s);
});

test.run();
