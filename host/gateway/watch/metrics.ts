/**
 * Prometheus metrics of a gateway (list: docs/streams.md).
 *
 * In: a gateway's events, the counters of its wires.  Out: a registry for /metrics. The counters of wires are
 * read at each request.
 */
import { collectDefaultMetrics, Registry } from 'prom-client';
import type { Estimate } from '../../learn/judge.ts';
import { reasons } from '../../learn/reasons.ts';
import { lossKinds, type SlotCollection } from '../collect/slot-collection.ts';
import { alarmKinds } from '../drift/slot-drift.ts';
import type { Gateway } from '../gateway.ts';
import type { Connections } from '../http/connections.ts';
import type { EntranceCounts } from '../http/entrance.ts';
import type { VersionJudgement } from '../judge/judgement.ts';
import type { Intake, IntakeCounts } from '../streams/intake.ts';
import type { LineCounts } from '../streams/lines.ts';
import type { MqttCounts } from '../streams/mqtt.ts';
import type { SocketCounts } from '../streams/websocket.ts';
import { type ClusterView, registerCluster } from './cluster-metrics.ts';
import { type Instruments, instrumentsOf } from './instruments.ts';
import type { Tracker } from './tracker.ts';

/** Counters of the open wires. */
export interface Wires {
  /** The listening port. */
  entrance?: { counts: EntranceCounts; connections: Connections };
  websocket?: SocketCounts;
  mqtt?: MqttCounts;
  /** The cluster that this gateway has joined. */
  cluster?: ClusterView;
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
/** Counts of the intake that are in ticks. */
const tickCounts = ['received', 'delivered', 'lost', 'filled', 'late', 'duplicate', 'reordered', 'refused', 'shed'] as const;

/** Registers metrics from events: outputs, steps, refusals, streams and overloads. */
function registerEvents({ counter, histogram }: Instruments, { events }: Gateway): void {
  const outputs = counter('outputs_total', 'Outputs of all streams', 'slot');
  const latency = histogram(
    'output_latency_seconds',
    'Time from the arrival of the last frame of an output to the output',
    latencyBuckets,
    'slot',
  );
  const push = histogram('push_seconds', 'Time of the push that made an output due', pushBuckets, 'slot');
  const steps = counter(
    'steps_total',
    'Steps of bundles: staged, checked, trial, passed, confirmed, swapped, reverted, rolled back',
    'slot',
    'step',
  );
  const refused = counter('refused_total', 'Bundles and frames that were refused, by error code', 'code');
  const streams = counter('stream_events_total', 'Streams that were opened, restarted, failed, closed', 'state');
  const overloads = counter('overloads_total', 'Number of overloads, in which frames were shed');
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

/** Registers the state: streams, queues, bundles, and modes of the gateway. */
function registerState({ gauge }: Instruments, gateway: Gateway): void {
  gauge('streams', 'Streams that run', ['slot'], () =>
    [...gateway.slots].map(([slot, { streams: all }]) => [{ slot }, all.size]),
  );
  gauge('waiting_ticks', 'Ticks of all streams that wait for their module', [], () => [
    [{}, [...gateway.streams.values()].reduce((sum, { waiting }) => sum + waiting, 0)],
  ]);
  gauge('thread_lag_seconds', 'Time that frames have been waiting for a thread', [], () => [[{}, gateway.lagMs / 1000]]);
  gauge('bundle_info', 'The active bundle; always 1', ['slot', 'name', 'version', 'digest'], () =>
    [...gateway.slots].flatMap(([slot, { state }]): [object, number][] => {
      if (!state.active) return [];
      const { name, version, digest } = state.active;
      return [[{ slot, name, version, digest: digest.slice(0, 12) }, 1]];
    }),
  );
  gauge('insecure_unsigned', '1 if unsigned bundles are accepted', [], () => [[{}, gateway.policy.insecureUnsigned ? 1 : 0]]);
  gauge('safe_mode', '1 in safe mode', [], () => [[{}, gateway.store.state.safeMode ? 1 : 0]]);
}

/** Registers ticks, gaps and messages of streams on wires that may lose messages. */
function registerIntake({ counted }: Instruments, intake: Intake): void {
  counted('ticks_total', `Ticks of streams on wires that may lose messages: ${tickCounts.join(', ')}, reset`, ['what'], () => {
    const counts: IntakeCounts = intake.counts();
    return [...tickCounts.map((what): [object, number] => [{ what }, counts[what]]), [{ what: 'reset' }, counts.resetTicks]];
  });
  counted('gaps_total', 'Gaps of streams: all gaps, resets of the signal, restarts of a sender', ['what'], () => {
    const { gaps, resets, restarts } = intake.counts();
    return Object.entries({ gaps, resets, restarts }).map(([what, value]) => [{ what }, value]);
  });
  counted('messages_total', 'Messages of frames: all, and refused', ['what'], () => {
    const { messages, refusedMessages } = intake.counts();
    return Object.entries({ all: messages, refused: refusedMessages }).map(([what, value]) => [{ what }, value]);
  });
}

/** Registers sockets, the broker, lines, requests and connections. */
function registerWires({ counted, gauge }: Instruments, wires: Wires, { events }: Gateway): void {
  counted('outputs_dropped_total', 'Outputs that were dropped for a slow reader or a lost broker', ['wire'], () => [
    [{ wire: 'websocket' }, wires.websocket?.outputsDropped ?? 0],
    [{ wire: 'mqtt' }, wires.mqtt?.outputsDropped ?? 0],
  ]);
  counted('bad_lines_total', 'Lines of text or binary messages that could not be read', [], () => [
    [{}, wires.lines.reduce((sum, { bad }) => sum + bad, 0)],
  ]);
  counted('requests_refused_total', 'Requests that were refused at the entrance, by error code', ['code'], () =>
    [...(wires.entrance?.counts.refused ?? [])].map(([code, value]) => [{ code }, value]),
  );
  counted(
    'faults_total',
    'Faults of the gateway itself; each ended a request, a socket, a stream or a trial, and is in the log',
    [],
    () => [[{}, events.faults + (wires.entrance?.counts.faults ?? 0)]],
  );
  counted('connections_dropped_total', 'Connections that were closed because there were too many', [], () => [
    [{}, wires.entrance?.connections.dropped ?? 0],
  ]);
  gauge('connections', 'Open connections', [], () => [[{}, wires.entrance?.connections.size ?? 0]]);
  counted('mqtt_refused_total', 'Refused MQTT messages', [], () => [[{}, wires.mqtt?.refused ?? 0]]);
  gauge('sockets', 'Open WebSockets', [], () => [[{}, wires.websocket?.sockets ?? 0]]);
  gauge('mqtt_connected', '1 while the broker is connected', [], () => [[{}, wires.mqtt?.connected ? 1 : 0]]);
}

/** Registers the collected windows of each slot. */
function registerCollection({ counted, gauge }: Instruments, { collection }: Gateway): void {
  const each = (read: (slot: string, one: SlotCollection) => [object, number][]) => () =>
    [...collection.slots].flatMap(([slot, one]) => read(slot, one));
  counted(
    'windows_collected_total',
    'Windows that were collected, by reason',
    ['slot', 'reason'],
    each((slot, { counts }) => reasons.map((reason) => [{ slot, reason }, counts.collected[reason]])),
  );
  counted(
    'windows_lost_total',
    'Chosen windows that were not kept, by cause',
    ['slot', 'why'],
    each((slot, { counts }) => lossKinds.map((why) => [{ slot, why }, counts[why]])),
  );
  gauge(
    'windows',
    'Collected windows on the disk',
    ['slot'],
    each((slot, { windows }) => [[{ slot }, windows.count]]),
  );
  gauge(
    'windows_bytes',
    'Room of the collected windows on the disk',
    ['slot'],
    each((slot, { windows }) => [[{ slot }, windows.bytes]]),
  );
}

/** Registers the drift detection of each slot. */
function registerDrift({ counted, gauge }: Instruments, { drift }: Gateway): void {
  counted('drift_alarms_total', 'Drifts that began, by cause', ['slot', 'cause'], () =>
    [...drift.slots].flatMap(([slot, { alarms }]) =>
      alarmKinds.map((cause): [object, number] => [{ slot, cause }, alarms[cause]]),
    ),
  );
  gauge('drift_streams', 'Streams that are watched for drift: learning, watching, drifted', ['slot', 'state'], () =>
    [...drift.slots].flatMap(([slot, one]) =>
      Object.entries(one.counts()).map(([state, value]): [object, number] => [{ slot, state }, value]),
    ),
  );
}

/** Registers the latest judgement of each version. */
function registerJudgements({ gauge }: Instruments, { judging, slots }: Gateway): void {
  const each = (read: (one: VersionJudgement) => [object, number | undefined][]) => () =>
    [...slots.keys()].flatMap((slot) =>
      (judging.latest(slot)?.versions ?? []).flatMap((one) =>
        read(one).flatMap(([labels, value]): [object, number][] =>
          value === undefined || Number.isNaN(value)
            ? []
            : [[{ slot, version: one.version, digest: one.digest.slice(0, 12), ...labels }, value]],
        ),
      ),
    );
  const bounds = (of: 'accuracy' | 'meanAbsoluteError') =>
    each(({ judgement }) => {
      const found = of in judgement ? (judgement as unknown as Record<string, Estimate>)[of] : undefined;
      return Object.entries({ value: found?.value, ...found?.interval }).map(([bound, value]) => [
        { bound },
        value as number | undefined,
      ]);
    });
  const labels = ['slot', 'version', 'digest'];
  gauge('judged_accuracy', 'Accuracy of a version on random labelled windows, 0 to 1', [...labels, 'bound'], bounds('accuracy'));
  gauge('judged_error', 'Mean absolute error of a version on such windows', [...labels, 'bound'], bounds('meanAbsoluteError'));
  gauge(
    'judged_windows',
    'Windows that count in the judgement of a version',
    labels,
    each(({ judgement }) => [[{}, judgement.windows]]),
  );
  gauge('judged_alarm', '1 if the running version is under its level', ['slot'], () =>
    [...slots.keys()].flatMap((slot): [object, number][] => {
      const alarm = judging.latest(slot)?.alarm;
      return alarm ? [[{ slot }, alarm.state === 'under' ? 1 : 0]] : [];
    }),
  );
}

/** Registers the range and the saturation of every input channel. */
function registerInputs({ counted, gauge }: Instruments, tracker: Tracker, gateway: Gateway): void {
  counted('input_saturated_total', 'Input values at or beyond the ends of the stored range', ['slot', 'channel'], () =>
    [...gateway.slots.keys()].flatMap((slot) =>
      tracker.ranges(slot).map(({ name, saturated }): [object, number] => [{ slot, channel: name }, saturated]),
    ),
  );
  gauge('input_range', 'Minimum, mean and maximum of a channel in the last minute', ['slot', 'channel', 'what'], () =>
    [...gateway.slots.keys()].flatMap((slot) =>
      tracker
        .ranges(slot)
        .flatMap(({ name: channel, least, mean, most }) =>
          Object.entries({ least, mean, most }).map(([what, value]): [object, number] => [{ slot, channel, what }, value]),
        ),
    ),
  );
}

/** Returns the registry. The order of the calls is the order of the metrics in the text. */
export function gatewayMetrics({ gateway, intake, tracker, wires }: MetricsOptions): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const instruments = instrumentsOf(registry);
  registerEvents(instruments, gateway);
  registerState(instruments, gateway);
  registerIntake(instruments, intake);
  registerWires(instruments, wires, gateway);
  registerCluster(instruments, wires);
  registerInputs(instruments, tracker, gateway);
  registerCollection(instruments, gateway);
  registerDrift(instruments, gateway);
  registerJudgements(instruments, gateway);
  return registry;
}
