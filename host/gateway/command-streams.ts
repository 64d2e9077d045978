/**
 * The wires of `runlet gateway` other than HTTP (WebSocket, MQTT, standard input, a serial line), and the
 * page with its metrics.
 *
 * In: options, a running gateway.  Out: open wires; `stop` closes them. The log reports when frames are shed.
 * Errors: RN720, RN741, RN862, RN866, RN871, RN872, RN873, RN921, RN922, RN923.
 */
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { Hono } from 'hono';
import type { Logger } from 'pino';
import { RunletError } from '../../models/error.ts';
import { choice, flag, type Given, group, input, number, text } from '../command/options.ts';
import { tlsOf } from '../command/remote.ts';
import { gapPolicies } from '../session/gap.ts';
import { clusterArgs, joinCluster, type Named } from './command-cluster.ts';
import type { Gateway } from './gateway.ts';
import type { HealthChecks } from './http/app.ts';
import type { Served } from './http/serve.ts';
import { asFailure } from './hub/slot.ts';
import { addPage } from './page/page.ts';
import { runAll } from './store/run-all.ts';
import { defaultIntake, Intake } from './streams/intake.ts';
import { type LineCounts, lineFormats, readLines } from './streams/lines.ts';
import type { Mqtt } from './streams/mqtt.ts';
import { latePolicies } from './streams/sequencer.ts';
import { serialBytes } from './streams/serial.ts';
import { attachWebSockets } from './streams/websocket.ts';
import type { Wires } from './watch/metrics.ts';
import { Tracker } from './watch/tracker.ts';

const whole = { min: 0, max: 2 ** 24, whole: true } as const;

export const streamArgs = {
  ...group('Streams', {
    late: choice('Frames that are too late: drop them, or restart with the numbers of the sender', latePolicies, {
      default: 'drop',
    }),
    gap: choice('How lost frames are replaced', gapPolicies, { default: 'hold' }),
    gapLimit: number('Largest number of ticks filled in a gap (default: the window)', { ...whole, hint: 'ticks' }),
    reorder: number('Number of ticks that a frame may be late (default: the hop)', { ...whole, hint: 'ticks' }),
    maxWaiting: number('Hops of a stream that may wait before frames are shed', { ...whole, min: 1, default: 8 }),
    maxLagMs: number('Time that frames may wait before they are shed', { ...whole, min: 1, default: 1000, hint: 'ms' }),
  }),
  ...group('MQTT', {
    mqtt: text('Broker for frames and outputs', { hint: 'mqtt://host:1883' }),
    mqttId: text("The gateway's name in topics (default: this machine's name)", { hint: 'name' }),
    mqttQos: choice('QoS of frames and outputs', ['0', '1'], { default: '0' }),
    mqttUser: text('User name at the broker; the password is in RUNLET_MQTT_PASSWORD', { hint: 'name' }),
    mqttCa: input("CA certificate that verifies the broker's certificate (PEM)"),
    mqttCert: input("The gateway's certificate, if the broker requires one (PEM)"),
    mqttKey: input('Its key (PEM)'),
  }),
  ...clusterArgs,
  ...group('Standard input and serial lines', {
    stdin: flag('Read frames from standard input, one tick per line'),
    serial: text('Read frames from a serial line', { hint: '/dev/ttyUSB0' }),
    baud: number('Baud rate of the serial line', { ...whole, min: 50, default: 115_200 }),
    lines: choice('Format of standard input and serial lines', lineFormats, { default: 'csv' }),
    numbered: flag("The first number of a line is the tick's number"),
    lineStream: text('Name of the stream of stdin (default: stdin) or the serial line', { hint: 'name' }),
  }),
  ...group('Demo', {
    demo: flag('Run a heart-rate model on a simulated signal; needs no other option'),
    demoSpeed: number('Speed of the demo signal, relative to real time', { min: 0.1, max: 1000, default: 4, hint: 'x' }),
    open: flag('Open the page in a browser'),
  }),
};

type Args = Given<typeof streamArgs> & Named;

/** Returns the options of streams, with the defaults for those that were not given. */
function streamOptions(args: Args) {
  const { late, gap, gapLimit: gapLimitTicks, reorder: reorderTicks, maxWaiting: maxWaitingHops, maxLagMs } = args;
  const all = { late, gap, gapLimitTicks, reorderTicks, maxWaitingHops, maxLagMs };
  const given = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
  return {
    intake: { ...defaultIntake, ...given },
    format: args.lines ?? 'csv',
    qos: args.mqttQos === '1' ? (1 as const) : (0 as const),
    demoSpeed: args.demoSpeed ?? 4,
    baud: args.baud ?? 115_200,
  };
}

export interface WiresOptions {
  args: Args;
  gateway: Gateway;
  app: Hono;
  health: HealthChecks;
  log: Logger;
}

const safeName = (text: string): string => text.replace(/[^A-Za-z0-9._-]/g, '-').replace(/^[^A-Za-z0-9]+/, '') || 'gateway';

/** Adds the page, before the server listens. @returns functions that start and stop the wires. */
export function prepareStreams({ args, gateway, app, health, log }: WiresOptions) {
  const { intake: options, format, qos, baud, demoSpeed } = streamOptions(args);
  const intake = new Intake(gateway, options);
  const tracker = new Tracker(gateway);
  const wires: Wires = { lines: [] };
  const quit = new AbortController();
  addPage(app, { gateway, intake, tracker, wires });
  const notJoined = { ready: false, faults: ['not joined'], held: 0, share: 0 };
  if (args.cluster) health.set('cluster', () => wires.cluster?.health() ?? notJoined);
  gateway.events.on('overload', ({ state, ...about }) => log.warn(about, `overload ${state}`));

  function read(bytes: AsyncIterable<Uint8Array>, stream: string, patient: boolean): void {
    const counts: LineCounts = { lines: 0, bad: 0 };
    wires.lines.push(counts);
    readLines(intake, bytes, { stream, format, numbered: args.numbered, patient }, counts).then(
      () => log.info({ stream, ...counts }, 'the frames have ended'),
      (error: unknown) => log.error({ ...asFailure(error), stream }, 'reading of frames has stopped'),
    );
  }

  /** Functions that close the open wires, the latest first. */
  const ends: (() => unknown)[] = [() => intake.close(), () => tracker.close()];

  /**
   * Opens the wires. If one fails, `stop` closes those that are open.
   * @throws RN720, RN740, RN866, RN871, RN872, RN921, RN922, RN923
   */
  async function start(served: Served): Promise<void> {
    let mqtt: Mqtt | undefined;
    ends.unshift(() => mqtt?.stop());
    const sockets = attachWebSockets(served, intake, log);
    ends.unshift(() => sockets.stop());
    wires.websocket = sockets.counts;
    wires.entrance = served;
    if (args.mqtt) {
      const { connectMqtt } = await import('./streams/mqtt.ts');
      const id = args.mqttId ?? safeName(hostname());
      const [username, password] = [args.mqttUser, process.env.RUNLET_MQTT_PASSWORD];
      const tls = await tlsOf({ ca: args.mqttCa, cert: args.mqttCert, key: args.mqttKey }, 'mqtt');
      mqtt = await connectMqtt(intake, { url: args.mqtt, id, qos, username, password, tls }, log);
      wires.mqtt = mqtt.counts;
    }
    if (args.cluster) {
      const cluster = await joinCluster(args.cluster, intake, args, log);
      ends.unshift(() => cluster.leave());
      wires.cluster = cluster;
    }
    ends.unshift(() => {
      quit.abort();
      if (args.stdin) process.stdin.destroy();
    });
    if (args.stdin) read(process.stdin, args.lineStream ?? 'stdin', true);
    if (args.serial) {
      const stream = (!args.stdin && args.lineStream) || safeName(args.serial.split('/').at(-1) ?? 'serial');
      // the writer of a FIFO can wait, a serial line cannot
      read(serialBytes({ path: args.serial, baud }, log, quit.signal), stream, !args.serial.startsWith('/dev/'));
    }
    if (args.demo) ends.unshift(await (await import('./demo.ts')).demoStream(intake, 'pulse-1', demoSpeed));
  }

  async function stop(): Promise<void> {
    await runAll(ends.splice(0));
  }
  return { start, stop };
}

const demoFolder = 'runlet-demo';

/** Replaces --demo by the options that it implies. @throws RN741 without a state folder, RN873 */
export async function withDemo<T extends { demo?: boolean; state?: string; model?: string; key?: string }>(
  args: T,
): Promise<T & { state: string }> {
  const { demo, state } = args;
  if (demo) {
    const { demoFiles } = await import('./demo.ts');
    const { first, key } = await demoFiles(demoFolder, (text) => process.stderr.write(`${text}\n`));
    return { ...args, state: state ?? join(demoFolder, 'state'), model: args.model ?? first, key: args.key ?? key };
  }
  if (state !== undefined) return { ...args, state };
  throw new RunletError('RN741', {
    what: 'the gateway needs a folder for its bundles and its state',
    where: '--state',
    tryThis: 'use --state FOLDER, or --demo for a demonstration',
  });
}

export function demoText(url: string, tokenFile: string | undefined): string {
  const token = tokenFile ? ` --token-file ${tokenFile}` : '';
  return `flash the next model to it:  runlet flash ${join(demoFolder, 'next.wasm')} --to ${url}${token}\n`;
}
