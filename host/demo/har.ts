/**
 * npm run demo:har [-- phone]: recognises the activity of a person with a watch (or a phone in a pocket),
 * from the ONNX file to an answer every 160 ms.
 *
 * In: models/zoo/har (float ONNX, calibration signal, a simulated recording with its script).  Out: plan,
 * module, recognised activities next to the script, cost; out/har-<device>.wasm.  Rule: an answer is the
 * class with the largest mean of the last five scores.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { planSummary } from '../../models/report/print.ts';
import { planStream } from '../../models/stream/plan.ts';
import { coloursFor, reportError } from '../command/args.ts';
import { bundleFacts } from '../command/bundle-facts.ts';
import { manifestFields } from '../command/load.ts';
import { producer } from '../command/producer.ts';
import { argmax } from '../statistics.ts';
import { byteLines, workLine } from './cost.ts';
import { type Device, devices, frameOf, hop, rateHz } from './har-recordings.ts';
import { openInt8, readFloat, root, toInt8, zooArray, zooFile } from './zoo.ts';

const colour = coloursFor(process.stdout);
const say = (text = '') => process.stdout.write(`${text}\n`);
const step = (n: number, text: string) => say(`\n${colour.bold(`${n}. ${text}`)}`);
const labels = ['seated', 'standing up', 'walking', 'turning', 'sitting down'];
const marks = ['_', '/', '~', '>', '\\'];
const paints = [colour.dim, colour.green, colour.cyan, colour.yellow, colour.magenta];
/** Answers per line of the picture. */
const lineAnswers = 62;

/** One mark per answer, in the colour of its activity. */
const strip = (activities: readonly number[]) => activities.map((a) => paints[a]?.(marks[a] as string)).join('');

async function main(device: Device): Promise<void> {
  say(colour.bold(`Runlet demo: activities from a ${device}, streamed in int8`));
  step(1, `Read models/zoo/har/har-${device}.onnx and plan`);
  const graph = await readFloat('har', `har-${device}.onnx`);
  for (const line of planSummary(planStream(graph, { hop }), rateHz)) say(`  ${line}`);

  step(2, `Quantise with calib-${device}.npy and build one WebAssembly module`);
  const int8 = toInt8(graph, hop, zooArray('har', `calib-${device}.npy`).data as Float32Array);
  const { session, bundle } = await openInt8(int8, { hop }, { target: 'interp', producer: producer(), ...manifestFields(graph) });
  mkdirSync(join(root, 'out'), { recursive: true });
  writeFileSync(join(root, `out/har-${device}.wasm`), bundle.wasm);
  say(`  -> out/har-${device}.wasm`);

  step(3, `Stream demo-${device}.csv: a simulated minute of getting up, walking, turning and sitting down`);
  const rows = readFileSync(zooFile('har', `demo-${device}.csv`), 'utf8')
    .trim()
    .split('\n')
    .slice(1);
  const values = rows.map((line) => line.split(',').map(Number));
  const [found, truth]: [number[], number[]] = [[], []];
  const recent: Float32Array[] = [];
  const began = performance.now();
  session.pushAll(Float32Array.from(values.flatMap((v) => v.slice(1, 7))), (n) => {
    recent.push(Float32Array.from(session.output()));
    if (recent.length > 5) recent.shift();
    const means = labels.map((_, c) => recent.reduce((sum, s) => sum + (s[c] as number), 0));
    // the mean of five answers describes the time of the third
    if (n < 2) return;
    found.push(argmax(means));
    truth.push(values[frameOf(n - 2)]?.[7] as number);
  });
  const spentMs = performance.now() - began;
  say(`  ${labels.map((label, a) => `${paints[a]?.(marks[a] as string)} ${label}`).join('   ')}\n`);
  for (let at = 0; at < found.length; at += lineAnswers) {
    const time = `${((frameOf(0) + at * hop) / rateHz).toFixed(0)} s`.padStart(6);
    say(`  ${time}  script  ${strip(truth.slice(at, at + lineAnswers))}`);
    say(`          found   ${strip(found.slice(at, at + lineAnswers))}\n`);
  }
  const right = found.filter((a, i) => a === truth[i]).length;

  step(4, 'What it cost');
  const facts = bundleFacts(bundle.wasm, bundle.manifest);
  const answers = found.length + 2;
  const summary: [string, string][] = [
    ['accuracy', `${right} of ${found.length} answers agree with the script (${((100 * right) / found.length).toFixed(1)} %)`],
    workLine(facts),
    [
      'time',
      `${((1000 * spentMs) / answers).toFixed(0)} us a hop of ${((1000 * hop) / rateHz).toFixed(0)} ms (target interp, this machine)`,
    ],
    ...byteLines(facts),
  ];
  for (const [name, text] of summary) say(`  ${name.padEnd(11)} ${text}`);
  say(
    `\n  models/zoo/har/card.md has the accuracy on real people. Run it yourself:\n  npx runlet run out/har-${device}.wasm models/zoo/har/demo-${device}.csv --columns ax,ay,az,gx,gy,gz --limit 3`,
  );
}

await main(devices.find((d) => d === process.argv[2]) ?? 'watch').catch((error) => reportError(error, false));
