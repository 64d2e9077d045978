/**
 * Board: the data of the gateway's page, as one JSON value that the page requests every second.
 *
 * In: the gateway and its counters, the selected stream, a filter for names of streams.  Out: plain values of
 * at most `maxStreams` streams.
 */
import type { Gateway } from '../gateway.ts';
import type { Intake } from '../streams/intake.ts';
import type { Wires } from '../watch/metrics.ts';
import { latencyBoundsMs, type Tracker } from '../watch/tracker.ts';

export interface BoardOptions {
  gateway: Gateway;
  intake: Intake;
  tracker: Tracker;
  wires: Wires;
}

export interface BoardQuery {
  stream?: string;
  /** Number of an output; only later outputs of the stream are returned. */
  after?: number;
  /** Text that the name of a stream must contain. */
  find?: string;
}

/** A choice. */
const maxStreams = 60;
const order = new Intl.Collator('en', { numeric: true });

/**
 * Returns a line about the running version and a recommended other one; undefined before the first judgement.
 */
function judgedLine({ judging }: Gateway, slot: string) {
  const found = judging.latest(slot);
  const [running] = found?.versions ?? [];
  if (!found || !running) return undefined;
  const { judgement } = running;
  const { value, interval } = 'accuracy' in judgement ? judgement.accuracy : judgement.meanAbsoluteError;
  const other = found.versions.find(({ digest }) => digest === found.choice?.recommended);
  return {
    ...{ kind: running.kind, windows: judgement.windows, value, interval, state: found.alarm?.state },
    ...(other && other !== running && { recommended: `${other.name} ${other.version}` }),
  };
}

export function boardOf({ gateway, intake, tracker, wires }: BoardOptions, { stream, after = -1, find = '' }: BoardQuery) {
  const all = [...gateway.streams.values()];
  const found = all.filter(({ id }) => id.includes(find));
  const shown = found
    .sort((a, b) => Number(b.failure !== undefined) - Number(a.failure !== undefined) || order.compare(a.id, b.id))
    .slice(0, maxStreams);
  const selected = gateway.streams.get(stream ?? '') ?? shown[0];
  const from = selected?.id === stream ? after : -1;
  return {
    now: Date.now(),
    uptimeS: process.uptime(),
    ...gateway.status(),
    slots: [...gateway.slots.keys()].map((name) => ({
      ...gateway.slotStatus(name),
      ranges: tracker.ranges(name),
      judged: judgedLine(gateway, name),
    })),
    counts: intake.counts(),
    wires: { websocket: wires.websocket, mqtt: wires.mqtt, lines: wires.lines },
    ...(wires.cluster && { cluster: wires.cluster.status() }),
    lagMs: gateway.lagMs,
    outputs: tracker.outputs,
    latency: { boundsMs: latencyBoundsMs, counts: tracker.latency() },
    notes: tracker.notes.slice(-24).reverse(),
    streamCount: all.length,
    foundCount: found.length,
    streams: shown.map(({ id, slot, next, sequence, waiting, failure, outputs }) => ({
      stream: id,
      slot,
      ticks: next,
      outputs: sequence,
      waiting,
      lost: intake.countsOf(id)?.lost ?? 0,
      last: outputs(sequence - 2)[0]?.values.flatMap((part) => [...part.subarray(0, 16)]),
      ...(failure && { failure }),
    })),
    ...(selected && {
      selected: {
        stream: selected.id,
        slot: selected.slot,
        counts: intake.countsOf(selected.id),
        outputs: selected.outputs(from).map(({ sequence, frame, timestampMs, values, digest, filled }) => ({
          sequence,
          frame,
          timestampMs,
          values: values.flatMap((part) => [...part.subarray(0, 16)]),
          version: tracker.versions.get(digest) ?? digest.slice(0, 12),
          filled,
        })),
      },
    }),
  };
}

export type Board = ReturnType<typeof boardOf>;
