/**
 * The wires of `runlet gateway` beside HTTP: WebSocket, MQTT, standard input, a serial line; and the page with its metrics.
 *
 * In: options, a gateway that runs.  Out: wires that are open; `stop` closes them. The log says when frames are shed.
 */
import { spawn } from 'node:child_process';
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { Hono } from 'hono';
import type { Logger } from 'pino';
import { RunletError } from '../../models/error.ts';
import { choiceOption, numberOption } from '../cli/args.ts';
import { tlsOf } from '../cli/remote.ts';
import { gapPolicies } from '../session/gap.ts';
import type { Gateway } from './gateway.ts';
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

export const streamArgs = {
  late: {
    type: 'string',
    default: 'drop',
    description: 'Frames that come after they were given up: left out, or a sender that counts anew',
    valueHint: latePolicies.join('|'),
  },
  gap: { type: 'string', default: 'hold', description: 'What stands in for lost frames', valueHint: gapPolicies.join('|') },
  gapLimit: { type: 'string', description: 'Most ticks of a gap that are filled (default: the window)', valueHint: 'ticks' },
  reorder: { type: 'string', description: 'How far a frame may come too late (default: the hop)', valueHint: 'ticks' },
  mostWaiting: {
    type: 'string',
    default: '8',
    description: 'Hops of a stream that may wait before frames are shed',
    valueHint: 'n',
  },
  mostLagMs: { type: 'string', default: '1000', description: 'How long frames may wait before all are shed', valueHint: 'ms' },
  mqtt: { type: 'string', description: 'Broker to take frames from and give outputs to', valueHint: 'mqtt://host:1883' },
  mqttId: { type: 'string', description: "The gateway's name in topics (default: this machine's name)", valueHint: 'name' },
  mqttQos: { type: 'string', default: '0', description: 'Of frames and outputs', valueHint: '0|1' },
  mqttUser: {
    type: 'string',
    description: 'Name for the broker; the password stands in RUNLET_MQTT_PASSWORD',
    valueHint: 'name',
  },
  mqttCa: { type: 'string', description: "Certificate that the broker's one is held against (PEM)", valueHint: 'file' },
  mqttCert: { type: 'string', description: 'Own certificate, where the broker wants one (PEM)', valueHint: 'file' },
  mqttKey: { type: 'string', description: 'Its key (PEM)', valueHint: 'file' },
  stdin: { type: 'boolean', description: 'Take frames from standard input, a tick a line' },
  serial: { type: 'string', description: 'Take frames from a serial line', valueHint: '/dev/ttyUSB0' },
  baud: { type: 'string', default: '115200', description: 'Rate of the serial line', valueHint: 'n' },
  lines: { type: 'string', default: 'csv', description: 'What stdin and serial lines hold', valueHint: lineFormats.join('|') },
  numbered: { type: 'boolean', description: "The first number of a line is the tick's number" },
  demo: { type: 'boolean', description: 'A heart-rate model and a made-up signal; needs no other option' },
  demoSpeed: { type: 'string', default: '4', description: 'Times the rate of the demo signal', valueHint: 'x' },
  open: { type: 'boolean', description: 'Open the page in a browser' },
  lineStream: {
    type: 'string',
    description: 'Name of the stream of stdin (default: stdin) or the serial line',
    valueHint: 'name',
  },
} as const;

type Args = { [K in keyof typeof streamArgs]?: (typeof streamArgs)[K]['type'] extends 'boolean' ? boolean : string };

/** What was said, checked before anything runs. @throws RN740 */
export function streamOptions(args: Args) {
  const whole = (name: string, text: string | undefined, min = 0) => numberOption(name, text, { min, max: 2 ** 24, whole: true });
  const given = {
    late: choiceOption('late', args.late, latePolicies),
    gap: choiceOption('gap', args.gap, gapPolicies),
    gapLimitTicks: whole('gap-limit', args.gapLimit),
    reorderTicks: whole('reorder', args.reorder),
    mostWaitingHops: whole('most-waiting', args.mostWaiting, 1),
    mostLagMs: whole('most-lag-ms', args.mostLagMs, 1),
  };
  const said = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  return {
    intake: { ...defaultIntake, ...said },
    format: choiceOption('lines', args.lines, lineFormats) ?? 'csv',
    qos: choiceOption('mqtt-qos', args.mqttQos, ['0', '1'] as const) === '1' ? (1 as const) : (0 as const),
    demoSpeed: numberOption('demo-speed', args.demoSpeed, { min: 0.1, max: 1000 }) ?? 4,
    baud: whole('baud', args.baud, 50) ?? 115_200,
  };
}

export interface WiresOptions {
  args: Args;
  gateway: Gateway;
  app: Hono;
  log: Logger;
}

const safeName = (text: string): string => text.replace(/[^A-Za-z0-9._-]/g, '-').replace(/^[^A-Za-z0-9]+/, '') || 'gateway';

/** Adds the page before the server listens, and what comes after it. */
export function prepareStreams({ args, gateway, app, log }: WiresOptions) {
  const { intake: options, format, qos, baud, demoSpeed } = streamOptions(args);
  const intake = new Intake(gateway, options);
  const tracker = new Tracker(gateway);
  const wires: Wires = { lines: [] };
  const quit = new AbortController();
  addPage(app, { gateway, intake, tracker, wires });
  gateway.events.on('overload', ({ state, ...about }) => log.warn(about, `overload ${state}`));

  function read(bytes: AsyncIterable<Uint8Array>, stream: string, patient: boolean): void {
    const counts: LineCounts = { lines: 0, bad: 0 };
    wires.lines.push(counts);
    readLines(intake, bytes, { stream, format, numbered: args.numbered, patient }, counts).then(
      () => log.info({ stream, ...counts }, 'the frames have ended'),
      (error: unknown) => log.error({ ...asFailure(error), stream }, 'frames are read no more'),
    );
  }

  /** What ends the wires that were opened, the latest first. */
  const ends: (() => unknown)[] = [() => intake.close(), () => tracker.close()];

  /** Opens the wires; what is open when one fails is for `stop`. @throws RN720, RN866, RN871, RN872 */
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
    ends.unshift(() => {
      quit.abort();
      if (args.stdin) process.stdin.destroy();
    });
    if (args.stdin) read(process.stdin, args.lineStream ?? 'stdin', true);
    if (args.serial) {
      const stream = (!args.stdin && args.lineStream) || safeName(args.serial.split('/').at(-1) ?? 'serial');
      // a FIFO can wait, a line cannot
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

/** What --demo stands for. @throws RN862 no state folder, RN873 */
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
    what: 'the gateway needs a folder for bundles and for what runs',
    where: '--state',
    tryThis: '--state FOLDER, or --demo to see one',
  });
}

export function demoText(url: string, tokenFile: string | undefined): string {
  const token = tokenFile ? ` --token-file ${tokenFile}` : '';
  return `flash the next model to it:  runlet flash ${join(demoFolder, 'next.wasm')} --to ${url}${token}\n`;
}

/** Opens a page in the user's browser, where there is one. */
export function openPage(url: string): void {
  const commands: Partial<Record<NodeJS.Platform, string[]>> = { darwin: ['open', url], win32: ['cmd', '/c', 'start', '', url] };
  const [command = 'xdg-open', ...rest] = commands[process.platform] ?? ['xdg-open', url];
  spawn(command, rest, { stdio: 'ignore', detached: true })
    .on('error', () => process.stderr.write(`no browser was found; open ${url}\n`))
    .unref();
}
