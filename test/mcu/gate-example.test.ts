/**
 * The examples of docs/bare-metal.md and docs/c-host.md in which vad wakes kws, compiled unchanged from the
 * pages. On the zoo's recording with pauses, plain C and WAMR give the outputs and counts of Node.
 */
import { writeFileSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { build as buildBundle } from '../../assembly/build.ts';
import { buildC } from '../../assembly/c/build-c.ts';
import { manifestFields } from '../../host/command/load.ts';
import * as kwsModel from '../../host/demo/kws-model.ts';
import * as vadModel from '../../host/demo/vad-model.ts';
import { zooFile } from '../../host/demo/zoo.ts';
import { Gate, GatedStream, openSession, type PortManifest, quantiseValue } from '../../host/session/index.ts';
import { bytesOf } from '../../host/session/open.ts';
import type { Graph } from '../../models/graph/types.ts';
import type { Mode } from '../../models/stream/modes.ts';
import { planStream } from '../../models/stream/plan.ts';
import { featureRows } from '../../quant/frontend/reference.ts';
import { quantPlan } from '../../quant/plan.ts';
import { fences } from '../docs/fences.ts';
import { textOf } from '../sources.ts';
import { absentTools } from '../wamr/runner.ts';
import { absent, at, build, plainC, run } from './tools.ts';

const noCompiler = absentTools({ gcc: 'the package gcc' });
for (const why of new Set([absent, noCompiler])) if (why) console.log(`skipped: ${why}`);

async function made(graph: Graph, hop: number, mode?: Mode) {
  const quant = quantPlan(planStream(graph, { hop, mode }));
  const bundle = await buildBundle(quant, { target: 'native', ...manifestFields(graph) });
  writeFileSync(at(`${graph.name}.wasm`), bundle.wasm);
  return { bundle, c: () => buildC(quant, bundle.manifest, { name: graph.name }) };
}
const kws = await made(kwsModel.toInt8(await kwsModel.readFloat('kws.onnx')), kwsModel.hop);
const vad = await made(vadModel.toInt8(await vadModel.readFloat()), vadModel.hop, vadModel.mode);

/** The recording with a pause of 4 s after every 8 s, so that kws sleeps for longer than its window. */
const speech = await vadModel.readSound(zooFile('kws', 'demo.wav'));
const sound = new Int16Array(Math.ceil(speech.length / (8 * kwsModel.rateHz)) * 12 * kwsModel.rateHz);
for (let from = 0, to = 0; from < speech.length; from += 8 * kwsModel.rateHz, to += 12 * kwsModel.rateHz)
  sound.set(speech.subarray(from, from + 8 * kwsModel.rateHz), to);
const rows = kwsModel.realRows(featureRows(kwsModel.frontEnd, sound));
const { channels } = kwsModel;
const rowCount = rows.length / channels;

/** Returns what the programs print: the row and scores of each output that is computed, and the counts. */
async function inNode(): Promise<string> {
  const { slidingWindow = 1 } = kws.bundle.manifest.detector ?? {};
  const stream = new GatedStream(await openSession(kws.bundle.wasm as BufferSource), slidingWindow - 1);
  const voice = await openSession(vad.bundle.wasm as BufferSource);
  const gate = new Gate({ output: 0, element: 0, threshold: 0.5, orEqual: false, holdFrames: 50 });
  const lines: string[] = [];
  for (let n = 1; n <= rowCount; n++) {
    const row = rows.subarray((n - 1) * channels, n * channels);
    if (voice.push(row)) gate.judge(voice.output()[0] as number, n);
    stream.push(
      row,
      () => gate.isOpen(n),
      (index) => lines.push([n - (stream.clock.outputIndex - index) * kwsModel.hop, ...stream.session.outputRaw()].join(' ')),
    );
  }
  const { wanted, unwanted, framesRun, wakeUps, catchUpFrames, longestCatchUp } = stream.count;
  assert.ok(wakeUps > 2 && longestCatchUp > 40 && framesRun < rowCount && lines.length > wanted, JSON.stringify(stream.count));
  console.log(`  ${rowCount} rows: ${lines.length} outputs, ${JSON.stringify(stream.count)}`);
  return [...lines, [wanted, unwanted, framesRun, wakeUps, catchUpFrames, longestCatchUp].join(' '), ''].join('\n');
}

/** Writes the rows in the quantisation of each model, and a program around a page's example. */
function program(page: string, detect: string, begin: string, push: string): string {
  const stored = ({ scale, zeroPoint }: PortManifest, row: number) =>
    bytesOf(
      Int8Array.from(rows.subarray(row * channels, (row + 1) * channels), (x) => quantiseValue(x, Math.fround(scale), zeroPoint)),
    );
  const [forVad, forKws] = [vad, kws].map(({ bundle }) => bundle.manifest.inputs[0] as PortManifest) as [
    PortManifest,
    PortManifest,
  ];
  writeFileSync(
    at('rows'),
    Buffer.concat(Array.from({ length: rowCount }, (_, n) => [stored(forVad, n), stored(forKws, n)]).flat()),
  );
  const example = fences(textOf(page)).find(({ kind, text }) => kind === 'c' && text.includes('runlet-gate.h'))?.text;
  assert.ok(example, page);
  return `#include "common.h"
${detect}
${example}
int main(int argc, char **argv) {
  struct file f = read_file(argv[argc - 1]);
  ${begin}
  for (uint32_t at = 0; at < f.bytes; at += ${2 * channels}) {
    const int8_t *now = (const int8_t *)f.at + at;
    must(${push}, "row", "");
  }
  const uint64_t *c = &gated.count.wanted;
  for (int i = 0; i < 6; i++) printf("%u%c", (uint32_t)c[i], i < 5 ? ' ' : '\\n');
  free(f.at);
}
`;
}
const written = (name: string, source: string): string => {
  writeFileSync(at(name), source);
  return at(name);
};
const print = 'printf("%u", (uint32_t)row); for (int i = 0; i < 12; i++) printf(" %d", scores[i]); printf("\\n");';
// the pages convert implicitly
const flags = ['-Wno-conversion', '-Wno-unused-parameter'];

function expectOutputs(path: string, more: string[], wamr: boolean, args: string[], expected: string): void {
  const { stdout, stderr, ended } = run(build(path, { more: [...more, ...flags] }, wamr), ...args, at('rows'));
  assert.is(ended, 'exit 0', stderr);
  assert.is(stdout, expected);
}

(noCompiler ? test.skip : test)('docs/bare-metal.md: vad wakes kws in plain C', async () => {
  const detect = `static void detect(const int8_t *scores, uint64_t row) { ${print} }`;
  const source = program('docs/bare-metal.md', detect, 'must(start(), "start", "");', `row(now, now + ${channels})`);
  const code = [...plainC(await kws.c()), ...plainC(await vad.c())];
  expectOutputs(written('plain.c', source), code, false, [], await inNode());
});

(absent ? test.skip : test)('docs/c-host.md: vad wakes kws over WAMR', async () => {
  const detect = `static void detect(const struct runlet *kws, uint64_t row) { const int8_t *scores = (const int8_t *)kws->outputs[0].at; ${print} }`;
  const begin = `static struct runlet vad, kws;
  static uint64_t pool[1 << 17];
  struct file v = read_file(argv[1]), k = read_file(argv[2]);
  must(runlet_start(pool, sizeof pool), "runlet_start", "");
  must(runlet_open(&vad, v.at, v.bytes, NULL, 0, NULL), "vad", "");
  must(runlet_open(&kws, k.at, k.bytes, NULL, 0, NULL), "kws", "");
  must(start(&kws), "start", "");`;
  const source = program('docs/c-host.md', detect, begin, `row(&vad, &kws, now, now + ${channels})`);
  expectOutputs(written('wamr.c', source), [], true, [at('vad.wasm'), at('kws.wasm')], await inNode());
});

test.run();
