/**
 * Windows that a device chooses: the budget, what is chosen, and messages of random networks in plain C,
 * which a gateway reads and stores. Each stored window gives the stored outputs when a session runs it again.
 *
 * Counts: every third of RUNLET_MCU_GATES networks (default 24); seed RUNLET_SEED (default 1). Address and
 * undefined-behaviour sanitizers.
 */
import { createReadStream, writeFileSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Bundle, build as buildBundle } from '../../assembly/build.ts';
import { type Manifest, type PortManifest, storedBytes } from '../../assembly/bundle/manifest.ts';
import { buildC } from '../../assembly/c/build-c.ts';
import { floatText } from '../../assembly/c/header.ts';
import * as kwsModel from '../../host/demo/kws-model.ts';
import { type DeviceMessage, deviceRecord } from '../../host/gateway/collect/device-window.ts';
import { realOutputs } from '../../host/gateway/collect/record.ts';
import type { Intake } from '../../host/gateway/streams/intake.ts';
import { readLines } from '../../host/gateway/streams/lines.ts';
import { framesOf } from '../../host/gateway/worker/frames.ts';
import { openSession, type Stored } from '../../host/session/index.ts';
import { bytesOf, storedZeros } from '../../host/session/open.ts';
import { maxOf, minOf } from '../../models/lists.ts';
import { planStream } from '../../models/stream/plan.ts';
import { type QuantPlan, quantPlan } from '../../quant/plan.ts';
import { fences } from '../docs/fences.ts';
import { random } from '../property/random-network.ts';
import { textOf } from '../sources.ts';
import { absentTools } from '../wamr/runner.ts';
import { plans } from './random-plans.ts';
import { absent, answer, at, build, plainC, run } from './tools.ts';

const networks = Number(process.env.RUNLET_MCU_GATES ?? 24);
const seed = Number(process.env.RUNLET_SEED ?? 1);
const noCompiler = absentTools({ gcc: 'the package gcc' });
for (const why of new Set([absent, noCompiler])) if (why) console.log(`skipped: ${why}`);
const withCompiler = noCompiler ? test.skip : test;
const digest = `abcdef01${'0'.repeat(56)}`;

interface Rule {
  windows: number;
  /** The span of the budget, in frames. */
  span: number;
  hop: number;
}

/** Returns the indices of the outputs that the C host chooses. */
function chosen({ windows, span, hop }: Rule, margins: number[]): number[] {
  writeFileSync(at('margins'), new Uint8Array(Float64Array.from(margins).buffer));
  return answer<number[]>(build('collect.c', {}, false), 'choose', windows, span, hop, at('margins'));
}

/** Returns the largest number of chosen outputs in any span. */
function mostInSpan(indices: number[], { span, hop }: Rule): number {
  let most = 0;
  for (let from = 0, to = 0; to < indices.length; to++) {
    while (((indices[to] as number) - (indices[from] as number)) * hop >= span) from++;
    most = Math.max(most, to - from + 1);
  }
  return most;
}

withCompiler('in no span more windows are chosen than the budget allows', () => {
  const rnd = random(seed);
  for (let n = 0; n < 24; n++) {
    const rule = { windows: 1 + Math.floor(200 * rnd() ** 3), hop: 1 + Math.floor(30 * rnd()), span: 0 };
    rule.span = rule.hop * Math.ceil(rule.windows * (1 + 40 * rnd() ** 2)) + Math.floor(10 * rnd());
    // calm and unsure hours in turn, and margins that only fall
    const margins = Array.from({ length: Math.min(20_000, 8 * Math.ceil(rule.span / rule.hop)) }, (_, i) =>
      n % 3 === 0 ? 1e4 / (i + 1) : rnd() * (Math.floor((6 * i * rule.hop) / rule.span) % 2 ? 1e-3 : 1),
    );
    const most = mostInSpan(chosen(rule, margins), rule);
    assert.ok(most <= rule.windows, `${most} windows in a span, ${JSON.stringify(rule)}`);
  }
});

withCompiler('the budget is spent on the smallest margins, at any scale', () => {
  const rnd = random(seed);
  for (const scale of [1e-5, 1, 90]) {
    const rule = { windows: 50, hop: 25, span: 25 * 20_000 };
    const margins = Array.from({ length: 100_000 }, () => scale * rnd());
    const indices = chosen(rule, margins).filter((i) => i >= 20_000);
    // a share of 1 in 400; the bins are up to a quarter wide, and a full budget lets twice as many through
    assert.ok(indices.length > 0.7 * 4 * rule.windows, `${indices.length} windows`);
    const clear = indices.filter((i) => (margins[i] as number) > scale * (4 / 400)).length;
    assert.ok(clear < indices.length / 20, `${clear} of ${indices.length} windows have a large margin`);
  }
});

withCompiler('margins that are no number, or negative, are not judged', () => {
  const margins = Array.from({ length: 400 }, (_, i) => (i % 2 ? Number.NaN : -1));
  assert.equal(chosen({ windows: 100, hop: 1, span: 100 }, margins), []);
});

/** Returns a window of the signals as a device sends it: tick after tick, with the frames of every input. */
function ticksOf({ inputs, window }: Manifest, signals: Stored[], from: number): Uint8Array {
  const parts = Array.from({ length: window }, (_, n) =>
    inputs.map((port, i) => {
      const width = port.elements * (port.rate ?? 1);
      return bytesOf((signals[i] as Stored).slice((from + n) * width, (from + n + 1) * width));
    }),
  );
  return Buffer.concat(parts.flat());
}

/** Runs a network as plain C over random frames. @returns its messages as a gateway reads them, and counts */
async function messagesOf(quant: QuantPlan, { manifest }: Bundle, signals: Stored[]) {
  const c = await buildC(quant, manifest, { name: 'model' });
  const facts = manifest.outputs.map((port) => {
    const bytes = storedBytes(port);
    return `{${port.elements},${port.elements * bytes},${bytes === 2 ? 'RUNLET_INT16' : 'RUNLET_INT8'},${port.zeroPoint},${floatText(port.scale)}}`;
  });
  const program = build('collect.c', { more: plainC(c), defines: [`PLAIN=${facts.join(',')}`] }, false);
  writeFileSync(at('signal'), Buffer.concat(signals.map(bytesOf)));
  const counts = answer<{ outputs: number; chosen: number }>(
    program,
    'messages',
    seed,
    40,
    60 * manifest.hop,
    at('signal'),
    at('line'),
  );
  const { messages, bad } = await messagesIn(at('line'));
  assert.is(bad, counts.chosen, 'the lines of the log are no messages');
  return { ...counts, messages };
}

/** Returns the messages of a file as a gateway reads them from a serial line, and how many lines are bad. */
async function messagesIn(path: string): Promise<{ messages: DeviceMessage[]; bad: number }> {
  const messages: DeviceMessage[] = [];
  const gateway = { slots: new Map(), streams: new Map() };
  const intake = { gateway, options: {}, unreadable() {}, take: (message: DeviceMessage) => messages.push(message) };
  const options = { stream: 'line', format: 'binary' } as const;
  const { bad } = await readLines(intake as unknown as Intake, createReadStream(path, { highWaterMark: 97 }), options);
  return { messages, bad };
}

/** Returns the outputs of a window in a new session. */
async function outputsAgain(wasm: Uint8Array, manifest: Manifest, signal: Uint8Array): Promise<Uint8Array> {
  const session = await openSession(wasm as BufferSource);
  let raw: Uint8Array = new Uint8Array();
  session.pushAll(framesOf(manifest, signal), () => {
    raw = Buffer.concat(manifest.outputs.map((_, i) => bytesOf(session.outputRaw(i))));
  });
  return raw;
}

/** A program around the example of the page: MODULE ROWS OUT. */
const wrapped = (example: string, width: number): string => `#include "common.h"
static FILE *out;
static void send(void *context, const uint8_t *bytes, uint32_t count) { (void)context; fwrite(bytes, 1, count, out); }
${example}
static struct runlet kws;
static uint64_t pool[1 << 16];
int main(int argc, char **argv) {
  static const uint8_t digest[32] = {0xab, 0xcd, 0xef, 0x01};
  if (argc != 4) return 2;
  struct file module = read_file(argv[1]), rows = read_file(argv[2]);
  out = fopen(argv[3], "wb");
  must(runlet_start(pool, sizeof pool), "start", "");
  must(runlet_open(&kws, module.at, module.bytes, NULL, 0, NULL), "open", "");
  must(start_collecting(&kws), "start_collecting", "");
  for (uint32_t at = 0; at < rows.bytes; at += ${width}) {
    const void *now[] = {rows.at + at};
    must(take(&kws, now, 1, digest), "take", "");
  }
  fclose(out);
  runlet_close(&kws);
  runlet_stop();
}
`;

withCompiler(`windows of random networks give their outputs again (${networks}, seed ${seed})`, async () => {
  const sums = { networks: 0, windows: 0, again: 0, inputs: 0, int16: 0, delayed: 0, hosts: new Set<string>() };
  let planned = 0;
  for (const quant of plans(networks, seed)) {
    // an odd step, so that all kinds of networks have their turn
    if (planned++ % 3) continue;
    const bundle = await buildBundle(quant, { style: 'table', kernels: 'every' });
    const { manifest } = bundle;
    const rnd = random(seed ^ (sums.networks * 0x9e37));
    const frames = 2 * (manifest.window + manifest.delayFrames + 160 * manifest.hop);
    const signals = manifest.inputs.map((port) =>
      storedZeros(port, frames * (port.rate ?? 1) * port.elements).map(() => Math.floor(rnd() * 65536)),
    ) as Stored[];
    const { messages, outputs, chosen: count } = await messagesOf(quant, bundle, signals);
    assert.is(messages.length, count);
    assert.ok(outputs > 160 && count > 0, JSON.stringify({ outputs, count }));
    for (const message of messages) {
      assert.is(message.stream, 'device-1');
      assert.is(message.timestampMs, 1764600000000);
      const record = deviceRecord({ manifest, digest }, message);
      assert.equal([record.digest, record.reasons, record.share], [digest, ['uncertain'], 0]);
      const ticks = message.bytes.subarray(0, message.bytes.length - record.raw.length);
      assert.is(
        Buffer.compare(ticks, ticksOf(manifest, signals, record.windowFrom)),
        0,
        `the window of output ${record.sequence}`,
      );
      // in these modes an output depends on its window alone
      if (['windowed', 'edge-exact'].includes(manifest.mode) && manifest.delayFrames === 0 && sums.windows % 8 === 0) {
        const raw = await outputsAgain(bundle.wasm, manifest, record.signal);
        assert.is(Buffer.compare(raw, record.raw), 0, `network ${sums.networks}, output ${record.sequence}`);
        sums.again++;
      }
      const margins = realOutputs(record.outputs, record.raw).map((values) => {
        const [a = 0, b] = [...values].sort((x, y) => y - x);
        return b === undefined ? Math.abs(a - 0.25) : a - b;
      });
      assert.ok(Math.abs(minOf(margins) - (record.margin ?? Number.NaN)) <= 1e-6 * maxOf([1, ...margins]));
      sums.windows++;
    }
    sums.networks++;
    for (const port of manifest.inputs) {
      sums.hosts.add(port.hostType);
      if (storedBytes(port) === 2) sums.int16++;
    }
    if (manifest.inputs.length > 1) sums.inputs++;
    if (manifest.delayFrames > 0) sums.delayed++;
  }
  console.log(`  ${JSON.stringify({ ...sums, hosts: [...sums.hosts] })}`);
  assert.ok(sums.networks > networks / 6 && sums.windows > sums.networks && sums.again > sums.networks, JSON.stringify(sums));
});

(absent ? test.skip : test)('docs/c-host.md: a window of kws over WAMR', async () => {
  const graph = kwsModel.toInt8(await kwsModel.readFloat('kws.onnx'));
  const { wasm, manifest } = await buildBundle(quantPlan(planStream(graph, { hop: kwsModel.hop })), { target: 'native' });
  const rnd = random(seed);
  const [frames, port] = [600, manifest.inputs[0] as PortManifest];
  const signal = storedZeros(port, frames * port.elements).map(() => Math.floor(rnd() * 256)) as Stored;
  writeFileSync(at('kws.wasm'), wasm);
  writeFileSync(at('rows'), bytesOf(signal));
  const example = fences(textOf('docs/c-host.md')).find(({ kind, text }) => kind === 'c' && text.includes('runlet-collect.h'));
  assert.ok(example);
  writeFileSync(at('collect-example.c'), wrapped(example.text, port.elements));
  const program = build(at('collect-example.c'), { more: ['-Wno-conversion'] });
  const { ended, stderr } = run(program, at('kws.wasm'), at('rows'), at('line'));
  assert.is(ended, 'exit 0', stderr);
  const { messages } = await messagesIn(at('line'));
  assert.is(messages.length, 1, 'the budget begins with one window');
  const record = deviceRecord({ manifest, digest }, messages[0] as DeviceMessage);
  assert.is(record.stream, 'watch-17');
  assert.ok(record.sequence >= 64);
  assert.is(Buffer.compare(record.raw, await outputsAgain(wasm, manifest, record.signal)), 0);
});

test.run();
