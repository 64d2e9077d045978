/**
 * npm run cluster:load: what streams cost that gateways share through NATS, on one machine.
 *
 * In: parts (all if none is named): `costs` per stream and second, `takeover` after kill -9, `moves` of
 * gateways that leave and join, `throughput` against gateways without a cluster (by WebSocket, and by MQTT
 * through mosquitto), `hour` of signal at full speed; --gateways 3 --partitions 16 --lease-ms 3000; --streams
 * 300 --seconds 60 (costs, moves), --kills 6 (takeover), --full-streams 60 --signal-seconds 1200 --rounds 5
 * (throughput), --hours 1 --keep-bytes 67108864 (hour); --seed 1; `--simulate` runs simulation.ts alone.
 * --json FILE writes the figures.  Out: a table. It needs Debian's nats-server and mosquitto. Gateways run
 * the compiled code, as installed ones do.  Exit code 1 if an output is missing, if one is late after a move,
 * or if memory grows in the second half of the hour. Errors: a gateway that fails ends the run with its log.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { costsOf } from './cluster/costs.ts';
import { movesOf } from './cluster/moves.ts';
import { natsProgram, noNats } from './cluster/nats-server.ts';
import { prepare } from './cluster/prepare.ts';
import {
  costLines,
  type Figures,
  hourLines,
  movesLines,
  simulationLines,
  type Throughput,
  takeOverLines,
  throughputLines,
} from './cluster/report.ts';
import { simulate, simulateMeasured } from './cluster/scales.ts';
import { clusterRun, mqttRun, socketRun } from './cluster/throughput.ts';

const number = (text: string) => ({ type: 'string', default: text }) as const;
const { values: args, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    gateways: number('3'),
    partitions: number('16'),
    'lease-ms': number('3000'),
    streams: number('300'),
    seconds: number('60'),
    kills: number('6'),
    'full-streams': number('60'),
    'signal-seconds': number('1200'),
    rounds: number('5'),
    hours: number('1'),
    'keep-bytes': number(`${64 << 20}`),
    seed: number('1'),
    simulate: { type: 'boolean', default: false },
    json: { type: 'string' },
  },
});
/** Limit of the growth of memory in the second half of the hour. A choice. */
const maxGrowthBytes = 48 << 20;
const parts = ['costs', 'takeover', 'moves', 'throughput', 'hour'] as const;
const wrong = positionals.find((one) => !parts.some((part) => part === one));
if (wrong) throw new Error(`${wrong} is not one of ${parts.join(', ')}`);
const wants = (part: (typeof parts)[number]) => !args.simulate && (positionals.length === 0 || positionals.includes(part));

const seed = Number(args.seed);
const figures: Figures = { seed };
const failures: string[] = [];
const say = (lines: readonly string[]) => process.stdout.write(`${lines.join('\n')}\n`);

async function measure(folder: string): Promise<void> {
  const kinds = await prepare(folder);
  const site = {
    folder,
    gateways: Number(args.gateways),
    partitions: Number(args.partitions),
    leaseMs: Number(args['lease-ms']),
  };
  if (wants('costs') || wants('takeover')) {
    const streams = Number(args.streams);
    const kills = wants('takeover') ? Number(args.kills) : 0;
    const { costs, takeUps } = await costsOf({ ...site, kinds, streams, seconds: Number(args.seconds), kills });
    Object.assign(figures, { costs, ...(kills > 0 && { takeUps }) });
    if (costs.missing > 0) failures.push(`${costs.missing} outputs are missing`);
    say(costLines(costs));
    if (kills > 0) {
      figures.simulatedTakeUps = simulateMeasured({ ...site, streams, seed });
      say(takeOverLines(takeUps, figures.simulatedTakeUps));
    }
  }
  if (wants('moves')) {
    const moves = await movesOf({ ...site, kinds, streams: Number(args.streams), seconds: Number(args.seconds) });
    figures.moves = moves;
    if (moves.missing > 0) failures.push(`${moves.missing} outputs are missing after moves`);
    if (moves.late > 0) failures.push(`${moves.late} outputs are late after moves`);
    say(movesLines(moves));
  }
  const full = { ...site, kinds, streams: Number(args['full-streams']), signalS: Number(args['signal-seconds']) };
  if (wants('throughput')) {
    const found: Throughput = { cluster: [], socket: [], mqtt: [] };
    for (let round = 0; round < Number(args.rounds); round++) {
      found.cluster.push(await clusterRun(full));
      found.socket.push(await socketRun(full));
      found.mqtt.push(await mqttRun(full));
    }
    figures.throughput = found;
    if (
      Object.values(found)
        .flat()
        .some(({ missing }) => missing > 0)
    )
      failures.push('outputs are missing at full speed');
    say(throughputLines(figures.throughput));
  }
  if (wants('hour')) {
    const more = ['--keep-bytes', args['keep-bytes']];
    const hour = await clusterRun({ ...full, signalS: 3600 * Number(args.hours), more, sampleMs: 2000 });
    figures.hour = hour;
    const { lines, growthBytes } = hourLines(hour);
    say(lines);
    if (growthBytes > maxGrowthBytes) failures.push('memory grows in the second half of the hour');
    if (hour.missing > 0) failures.push(`${hour.missing} outputs are missing in the hour`);
  }
}

if (args.simulate) {
  figures.scales = simulate(seed);
  say(simulationLines(figures.scales, seed));
} else if (natsProgram) {
  const folder = mkdtempSync(join(tmpdir(), 'runlet-cluster-load-'));
  try {
    await measure(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
} else say([noNats]);
if (args.json) writeFileSync(args.json, `${JSON.stringify(figures, undefined, 2)}\n`);
say([failures.length > 0 ? `FAILED: ${failures.join('; ')}` : 'ok']);
process.exit(failures.length > 0 ? 1 : 0);
