/**
 * What happens in a gateway as metrics of Prometheus (docs/streams.md lists them).
 *
 * In: a gateway's events, the counters of its wires.  Out: text at /metrics. Counters of wires are read when
 * somebody asks.
 */
import { collectDefaultMetrics, Registry } from 'prom-client';
import type { Gateway } from '../gateway.ts';
import type { Connections } from '../http/connections.ts';
import type { EntranceCounts } from '../http/entrance.ts';
import type { Intake, IntakeCounts } from '../streams/intake.ts';
import type { LineCounts } from '../streams/lines.ts';
import type { MqttCounts } from '../streams/mqtt.ts';
import type { SocketCounts } from '../streams/websocket.ts';
import { type Instruments, instrumentsOf } from './instruments.ts';
import type { Tracker } from './tracker.ts';

/** Counters of the wires that are there. */
export interface Wires {
  /** The listening port. */
  entrance?: { counts: EntranceCounts; connections: Connections };
  websocket?: SocketCounts;
  mqtt?: MqttCounts;
  lines: LineCounts[];
}

export interface MetricsOptions {
  gateway: Gateway;
  intake: Intake;
  tracker: Tracker;
  wires: Wires;
}

const latencyBuckets = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5];
const pushBuckets = [0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1];
/** Of the intake, those that count ticks. */
const tickCounts = ['received', 'delivered', 'lost', 'filled', 'late', 'duplicate', 'reordered', 'refused', 'shed'] as const;

/** Outputs, steps, refusals, streams and overloads, counted as the gateway tells of them. */
function registerEvents({ counter, histogram }: Instruments, { events }: Gateway): void {
  const outputs = counter('outputs_total', 'Outputs that streams gave', 'slot');
  const latency = histogram(
    'output_latency_seconds',
    'From the arrival of the last frame of an output to the output',
    latencyBuckets,
    'slot',
  );
  const push = histogram('push_seconds', 'What the push takes in which an output falls due', pushBuckets, 'slot');
  const steps = counter(
    'steps_total',
    'Steps of bundles: staged, checked, trial, passed, confirmed, swapped, reverted, rolled back',
    'slot',
    'step',
  );
  const refused = counter('refused_total', 'Bundles and frames that were not taken, by error code', 'code');
  const streams = counter('stream_events_total', 'Streams that were opened, restarted, failed, closed', 'state');
  const overloads = counter('overloads_total', 'Times that frames were shed because too many came');
  events.on('output', ({ slot, latencyMs, pushMs }) => {
    outputs.inc({ slot });
    latency.observe({ slot }, latencyMs / 1000);
    push.observe({ slot }, pushMs / 1000);
  });
  events.on('step', ({ slot, step }) => steps.inc({ slot, step }));
  events.on('refused', ({ code }) => refused.inc({ code }));
  events.on('stream', ({ state }) => streams.inc({ state }));
  events.on('overload', ({ state }) => state === 'begins' && overloads.inc());
}

/** What runs, what waits, and how the gateway is set. */
function registerState({ gauge }: Instruments, gateway: Gateway): void {
  gauge('streams', 'Streams that run', ['slot'], () =>
    [...gateway.slots].map(([slot, { streams: all }]) => [{ slot }, all.size]),
  );
  gauge('waiting_ticks', 'Ticks that wait for their module, of all streams', [], () => [
    [{}, [...gateway.streams.values()].reduce((sum, { waiting }) => sum + waiting, 0)],
  ]);
  gauge('thread_lag_seconds', 'How long frames wait for a thread now', [], () => [[{}, gateway.lagMs / 1000]]);
  gauge('bundle_info', 'The bundle that runs; 1', ['slot', 'name', 'version', 'digest'], () =>
    [...gateway.slots].flatMap(([slot, { state }]): [object, number][] => {
      if (!state.active) return [];
      const { name, version, digest } = state.active;
      return [[{ slot, name, version, digest: digest.slice(0, 12) }, 1]];
    }),
  );
  gauge('insecure_unsigned', '1 where bundles are taken that nobody signed', [], () => [
    [{}, gateway.policy.insecureUnsigned ? 1 : 0],
  ]);
  gauge('safe_mode', '1 in safe mode', [], () => [[{}, gateway.store.state.safeMode ? 1 : 0]]);
}

/** Ticks, gaps and messages of streams that may lose some. */
function registerIntake({ counted }: Instruments, intake: Intake): void {
  counted('ticks_total', `Ticks of streams that may lose some: ${tickCounts.join(', ')}, reset`, ['what'], () => {
    const counts: IntakeCounts = intake.counts();
    return [...tickCounts.map((what): [object, number] => [{ what }, counts[what]]), [{ what: 'reset' }, counts.resetTicks]];
  });
  counted('gaps_total', 'Gaps of streams: all, those that began the signal again, senders that counted anew', ['what'], () => {
    const { gaps, resets, restarts } = intake.counts();
    return Object.entries({ gaps, resets, restarts }).map(([what, value]) => [{ what }, value]);
  });
  counted('messages_total', 'Messages of frames: all, and those that were refused', ['what'], () => {
    const { messages, refusedMessages } = intake.counts();
    return Object.entries({ all: messages, refused: refusedMessages }).map(([what, value]) => [{ what }, value]);
  });
}

/** Sockets, the broker, lines, requests and connections. */
function registerWires({ counted, gauge }: Instruments, wires: Wires, { events }: Gateway): void {
  counted('outputs_dropped_total', 'Outputs that a slow reader or a lost broker did not get', ['wire'], () => [
    [{ wire: 'websocket' }, wires.websocket?.outputsDropped ?? 0],
    [{ wire: 'mqtt' }, wires.mqtt?.outputsDropped ?? 0],
  ]);
  counted('bad_lines_total', 'Lines of text or binary messages that were noise', [], () => [
    [{}, wires.lines.reduce((sum, { bad }) => sum + bad, 0)],
  ]);
  counted('requests_refused_total', 'Requests that were refused before any work, by error code', ['code'], () =>
    [...(wires.entrance?.counts.refused ?? [])].map(([code, value]) => [{ code }, value]),
  );
  counted(
    'faults_total',
    'Errors of the gateway itself; each ended a request, a socket, a stream or a trial, and is in the log',
    [],
    () => [[{}, events.faults + (wires.entrance?.counts.faults ?? 0)]],
  );
  counted('connections_dropped_total', 'Connections that made room for others, or found none', [], () => [
    [{}, wires.entrance?.connections.dropped ?? 0],
  ]);
  gauge('connections', 'Connections that are open', [], () => [[{}, wires.entrance?.connections.size ?? 0]]);
  counted('mqtt_refused_total', 'Messages over MQTT that were refused', [], () => [[{}, wires.mqtt?.refused ?? 0]]);
  gauge('sockets', 'WebSockets that are open', [], () => [[{}, wires.websocket?.sockets ?? 0]]);
  gauge('mqtt_connected', '1 while the broker is there', [], () => [[{}, wires.mqtt?.connected ? 1 : 0]]);
}

/** Range and saturation of every input channel. */
function registerInputs({ counted, gauge }: Instruments, tracker: Tracker, gateway: Gateway): void {
  counted('input_saturated_total', 'Input values at or beyond the ends of the stored range', ['slot', 'channel'], () =>
    [...gateway.slots.keys()].flatMap((slot) =>
      tracker.ranges(slot).map(({ name, saturated }): [object, number] => [{ slot, channel: name }, saturated]),
    ),
  );
  gauge('input_range', 'Least, mean and most of a channel in the last minute', ['slot', 'channel', 'what'], () =>
    [...gateway.slots.keys()].flatMap((slot) =>
      tracker
        .ranges(slot)
        .flatMap(({ name: channel, least, mean, most }) =>
          Object.entries({ least, mean, most }).map(([what, value]): [object, number] => [{ slot, channel, what }, value]),
        ),
    ),
  );
}

/** The order of the calls is the order of the metrics in the text. */
export function gatewayMetrics({ gateway, intake, tracker, wires }: MetricsOptions): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const instruments = instrumentsOf(registry);
  registerEvents(instruments, gateway);
  registerState(instruments, gateway);
  registerIntake(instruments, intake);
  registerWires(instruments, wires, gateway);
  registerInputs(instruments, tracker, gateway);
  return registry;
}
