/**
 * npm run gateway:load: sends many streams for a model of the zoo to a gateway in a separate process, at the
 * signal's rate or as fast as the gateway accepts them.
 *
 * In: --model ppg-hr|har|kws --streams 1000 --seconds 180 --transport mqtt|ws|http --ticks-per-message 16
 * --connections 50; --full-speed --signal-hours 1; --overload x (x times the signal's rate, without waiting);
 * --collect SHARE also collects this share of the windows at random, and uncertain ones; --drift turns drift
 * detection on, and 256 streams take their references meanwhile;
 * --json FILE writes the figures; --flame FILE.svg draws a flame graph of the gateway. MQTT needs Debian's
 * mosquitto.  Out: p50, p95 and p99 of the time from the last frame sent to the output received, loss
 * counters, memory before and after, processor load, and the number of streams that one core serves at the
 * signal's rate. Exit code 1 if p99 is 50 ms or more at the signal's rate, if an output is missing although
 * nothing was shed, or if memory grows during half an hour of signal or more. (Shorter runs only print the
 * growth, because a heap settles in minutes.) This process sends the frames and receives the outputs, so all
 * times use one clock. The starts of streams are spread evenly over the time of a hop.
 */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { flameGraph } from './gateway/flame.ts';
import { type LoadModel, loadModel, loadModels } from './gateway/model.ts';
import { type Collected, startBroker, startGateway } from './gateway/processes.ts';
import { Sender } from './gateway/sender.ts';
import { openTransport, transports } from './gateway/transports.ts';

const { values: args } = parseArgs({
  options: {
    model: { type: 'string', default: 'ppg-hr' },
    streams: { type: 'string', default: '1000' },
    seconds: { type: 'string', default: '180' },
    transport: { type: 'string', default: 'mqtt' },
    'ticks-per-message': { type: 'string', default: '16' },
    connections: { type: 'string', default: '50' },
    threads: { type: 'string' },
    overload: { type: 'string', default: '1' },
    'full-speed': { type: 'boolean', default: false },
    'signal-hours': { type: 'string', default: '1' },
    json: { type: 'string' },
    flame: { type: 'string' },
    collect: { type: 'string' },
    drift: { type: 'boolean', default: false },
  },
});

/** Acceptance limit of p99. */
const maxP99Ms = 50;
/**
 * Limit of the memory growth from the first to the second half of a run: state must not grow with the signal.
 */
const maxGrowthBytes = 48 << 20;
/** The gateway's processor time is measured from this share of the signal on. */
const warmShare = 0.4;
/** Shortest signal with which a growth differs from a heap that settles. */
const minSignalS = 1800;

const streams = Number(args.streams);
const ticksPerMessage = Number(args['ticks-per-message']);
const fullSpeed = args['full-speed'];
const overload = Number(args.overload);
const transport = transports.find((name) => name === args.transport);
const seconds = fullSpeed ? Number(args['signal-hours']) * 3600 : Number(args.seconds) * overload;
const say = (text: string) => process.stdout.write(`${text}\n`);
const collectedText = ({ windows, bytes, counts }: Collected) =>
  `${windows} windows in ${mib(bytes)}; ${Object.entries(counts ?? {})
    .map(
      ([name, n]) =>
        `${typeof n === 'number' ? n : Object.values(n as Record<string, number>).reduce((a, b) => a + b, 0)} ${name}`,
    )
    .join(', ')}`;
const mib = (bytes: number) => `${(bytes / 2 ** 20).toFixed(0)} MiB`;

if (!loadModels.includes(args.model as LoadModel)) throw new Error(`--model is one of ${loadModels.join(', ')}`);
if (!transport) throw new Error(`--transport is one of ${transports.join(', ')}`);
if (transport === 'mqtt' && !existsSync('/usr/sbin/mosquitto')) {
  process.stdout.write('skipped: no mosquitto found; install the package mosquitto, or use --transport ws\n');
  process.exit(0);
}

const folder = mkdtempSync(join(tmpdir(), 'runlet-load-'));
const model = await loadModel(args.model as LoadModel, folder);
const { rateHz, hop } = model;
const broker = transport === 'mqtt' ? await startBroker(folder) : undefined;
const gateway = await startGateway({
  folder,
  model,
  broker: broker?.url,
  threads: args.threads,
  streams,
  fullSpeed,
  profiled: args.flame !== undefined,
});
say(
  `${streams} streams of ${args.model} by ${transport}, ${ticksPerMessage} ticks a message, ${gateway.url}${broker ? `, mosquitto at ${broker.url}` : ''}`,
);

if (args.collect) await gateway.collect(Number(args.collect));
if (args.drift) await gateway.watch();

const link = await openTransport(transport, {
  ...gateway,
  broker: broker?.url,
  connections: Math.min(streams, Number(args.connections)),
});
const sender = new Sender({
  ...model,
  streams,
  ticksPerMessage,
  totalTicks: Math.floor((seconds * rateHz) / ticksPerMessage) * ticksPerMessage,
  ticksPerSecond: fullSpeed ? Number.POSITIVE_INFINITY : rateHz * overload,
  maxAheadTicks: fullSpeed ? 4 * hop : Number.POSITIVE_INFINITY,
  send: link.send,
});
link.onOutput((stream, tick) => sender.output(stream, tick));

const before = gateway.usage();
const begunMs = performance.now();
const samples: { share: number; bytes: number; cpuS: number }[] = [];
const ticker = setInterval(() => {
  const { rssBytes: bytes, cpuS } = gateway.usage();
  if (sender.share >= warmShare && !samples.some(({ share }) => share >= warmShare)) gateway.profile();
  samples.push({ share: sender.share, bytes, cpuS });
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${(100 * sender.share).toFixed(1)} %, ${mib(bytes)}`);
}, 500);
await sender.run();
clearInterval(ticker);
if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');
const elapsedS = (performance.now() - begunMs) / 1000;
const after = gateway.usage();
const brokerShare = broker ? (broker.usage().cpuS - broker.startedCpuS) / elapsedS : 0;
const board = await gateway.board();
const collected = args.collect ? await gateway.collected() : undefined;
if (args.flame)
  writeFileSync(
    args.flame,
    flameGraph(await gateway.profiled(), `${streams} streams of ${args.model} by ${transport}: where the gateway's time goes`),
  );
await link.stop();
const crashed = gateway.exited();
await gateway.stop();
await broker?.stop();
rmSync(folder, { recursive: true, force: true });

const { p50, p95, p99, most } = sender.latency();
const { counts } = board;
const half = (from: number, to: number) =>
  samples.filter(({ share }) => share >= from && share < to).reduce((top, { bytes }) => Math.max(top, bytes), 0);
const [early, late] = [half(0.25, 0.6), half(0.6, 2)];
const growthBytes = early > 0 && late > 0 ? late - early : 0;
const cpu = (after.cpuS - before.cpuS) / elapsedS;
/** By then, V8 has compiled the hot functions. */
const warm = samples.find(({ share }) => share >= warmShare) ?? { share: 0, cpuS: before.cpuS };
const streamsACore = (streams * sender.signalS * (1 - warm.share)) / (after.cpuS - warm.cpuS);
const missing = sender.expected - sender.received;
const failures = [
  ...(crashed ? ['the gateway ended'] : []),
  ...(missing > 0 && counts.shed === 0 ? [`${missing} outputs are missing, and nothing was shed`] : []),
  ...(!fullSpeed && overload <= 1 && p99 >= maxP99Ms ? [`p99 is ${p99.toFixed(1)} ms; the limit is ${maxP99Ms} ms`] : []),
  ...(sender.signalS >= minSignalS && growthBytes > maxGrowthBytes
    ? [`memory grew by ${mib(growthBytes)} in the second half`]
    : []),
  ...(overload > 1 && counts.shed > 0 && !gateway.log().includes('overload begins')
    ? ['it shed frames without a message in the log']
    : []),
];
const result = {
  ...{
    streams,
    transport,
    ticksPerMessage,
    elapsedS,
    signalS: sender.signalS,
    expected: sender.expected,
    received: sender.received,
    p50,
    p95,
    p99,
    most,
  },
  ...{ counts, overloads: gateway.log().split('overload begins').length - 1, sendDelayMs: sender.sendDelayMs() },
  ...{ rssBeforeBytes: before.rssBytes, rssAfterBytes: after.rssBytes, growthBytes, cpu, streamsACore, brokerShare, failures },
  ...(collected && { collected }),
};
if (args.json) writeFileSync(args.json, `${JSON.stringify(result, null, 2)}\n`);
const { received, delivered, lost, late: tooLate, duplicate, reordered, shed, refused } = counts;
const lines: [string, string][] = [
  [
    'signal',
    `${sender.signalS.toFixed(0)} s of ${streams} streams in ${elapsedS.toFixed(1)} s (${((sender.signalS * streams) / elapsedS).toFixed(0)} times real time)`,
  ],
  ['outputs', `${sender.received} of ${sender.expected} due`],
  [
    'latency',
    `p50 ${p50.toFixed(1)} ms, p95 ${p95.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms, most ${most.toFixed(0)} ms, from the last frame sent to the output received`,
  ],
  [
    'ticks',
    transport === 'http'
      ? 'HTTP loses none'
      : `${received} received, ${delivered} delivered, ${lost} lost, ${tooLate} late, ${duplicate} duplicate, ${reordered} reordered, ${shed} shed; ${refused} messages refused`,
  ],
  [
    'memory',
    `${mib(before.rssBytes)} before, ${mib(after.rssBytes)} after; ${mib(Math.max(0, growthBytes))} more in the second part than before`,
  ],
  [
    'processor',
    `gateway ${(100 * cpu).toFixed(0)} %${broker ? `, mosquitto ${(100 * brokerShare).toFixed(0)} %` : ''} of one core; senders were ${sender.sendDelayMs().toFixed(1)} ms late at p99`,
  ],
  ['a core', `serves ${streamsACore.toFixed(0)} streams at ${rateHz} frames a second`],
  ['overload', `${result.overloads} times`],
  ...(collected ? ([['collected', collectedText(collected)]] as [string, string][]) : []),
];
for (const [name, text] of lines) process.stdout.write(`  ${name.padEnd(10)} ${text}\n`);
process.stdout.write(failures.length > 0 ? `FAILED: ${failures.join('; ')}\n` : 'ok\n');

process.exit(failures.length > 0 ? 1 : 0);
