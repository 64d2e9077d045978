/**
 * A gateway with collected windows of three kinds, for the tests of labels: `main` (six channels, classes),
 * `sound` (16 kHz, classes) and `pulse` (one channel, a value).
 *
 * In: a disk.  Out: the gateway and its app; records whose signal can be recognised.
 */
import { pino } from 'pino';
import * as v from 'valibot';
import type { WindowRecord } from '../../host/gateway/collect/record.ts';
import { settingsSchema } from '../../host/gateway/collect/settings.ts';
import { Gateway } from '../../host/gateway/gateway.ts';
import { gatewayApp } from '../../host/gateway/http/app.ts';
import type { Disk } from '../../host/gateway/store/disk.ts';
import type { Reason } from '../../host/learn/reasons.ts';
import { bundleOf, keys } from './bundles.ts';

export const names = ['sit', 'stand', 'walk', 'run', 'up', 'down'];
const startMs = 1.7e12;
const settings = v.parse(settingsSchema, {});

/** What a slot's records have: samples per second, ticks of the window and around it, channels, classes. */
const kinds = {
  main: { rateHz: 50, ticks: 128, around: 64, channels: 6, classes: names.length, scale: 0.02 },
  sound: { rateHz: 16_000, ticks: 16_000, around: 4000, channels: 1, classes: 1, scale: 1 / 32_768 },
  pulse: { rateHz: 25, ticks: 200, around: 25, channels: 1, classes: 1, scale: 0.02 },
} as const;
export type Kind = keyof typeof kinds;

/** Returns a made value: waves whose speed depends on window and channel, and for sound a rising tone. */
function valueAt(kind: Kind, n: number, channel: number, t: number): number {
  const { rateHz } = kinds[kind];
  const seconds = t / rateHz;
  if (kind === 'sound')
    return 12_000 * Math.sin(2 * Math.PI * (300 + 200 * n + 900 * seconds) * seconds) * Math.min(1, 4 * seconds);
  const noise = Math.sin(12.9898 * (t + 31 * channel + 57 * n)) * 43_758.5453;
  const wave = Math.sin(2 * Math.PI * (0.6 + 0.35 * n + 0.1 * channel) * seconds + channel);
  return 45 * wave * (1 - channel / 12) + 8 * (noise - Math.floor(noise)) + (channel === 2 ? 40 : 0);
}

/** Returns window n of a slot. */
export function recordOf(kind: Kind, n: number, reasons: Reason[] = ['random'], more: Partial<WindowRecord> = {}): WindowRecord {
  const { ticks, around, channels, classes, scale } = kinds[kind];
  const count = (ticks + 2 * around) * channels;
  const value = (_: unknown, i: number) => valueAt(kind, n, i % channels, Math.floor(i / channels));
  const signal = kind === 'sound' ? Int16Array.from({ length: count }, value) : Int8Array.from({ length: count }, value);
  const hostType = kind === 'sound' ? 'int16' : 'int8';
  const raw = Int8Array.from({ length: classes }, (_, i) => (kind === 'main' ? (i === n % classes ? 70 : 4 * i) : 66 + n));
  const port = { scale, zeroPoint: 0 };
  return {
    ...{ stream: `watch-${n % 3}`, sequence: n, frame: 64 * n, timeMs: startMs + 60_000 * n, reasons, share: 0.01 },
    ...{ digest: 'c0ffee'.repeat(10).padEnd(64, '0'), version: '1.1.0', margin: 0.02 },
    ...{ from: 5000 - around, windowFrom: 5000, windowTicks: ticks, filled: 0 },
    tickBytes: channels * (kind === 'sound' ? 2 : 1),
    inputs: [{ name: kind === 'main' ? 'imu' : kind, hostType, elements: channels, ...port }],
    outputs: [{ name: 'y', hostType: 'float32', elements: classes, scale: kind === 'main' ? 0.01 : 1, zeroPoint: 0 }],
    signal: new Uint8Array(signal.buffer),
    raw: new Uint8Array(raw.buffer),
    ...more,
  };
}

/** Opens a gateway that has the three slots, each with a running bundle and collection on. */
export async function labelGateway(disk: Disk) {
  const gateway = await Gateway.open(disk, { policy: { keys: [keys.publicKey] }, pool: { threads: 1, budgetMs: 20_000 } });
  const bundles = {
    main: { labels: names, sampleRateHz: 50 },
    sound: { labels: ['yes', 'no'], sampleRateHz: 16_000, channels: 1 },
    pulse: { sampleRateHz: 25, channels: 1, manifest: (m: object) => ({ ...m, unit: 'bpm' }) },
  };
  for (const [slot, options] of Object.entries(bundles)) {
    const { wasm, digest } = await bundleOf(1, options);
    await gateway.receive(wasm, digest, slot);
    // a hop of the small module is 0.25 ms of sound: on a busy machine it would be refused as too slow
    await gateway.try(slot, { enduranceHops: 20, outputs: 2, seconds: 20, latencyMs: 10_000 });
    await gateway.collection.turnOn(slot, settings);
  }
  const { app, uploads } = gatewayApp({ gateway, log: pino({ level: 'silent' }) });
  const add = async (slot: Kind, ...records: WindowRecord[]): Promise<number[]> => {
    const ids: number[] = [];
    for (const record of records) ids.push((await gateway.collection.slot(slot).windows.add(record, settings)) as number);
    return ids;
  };
  const close = async () => {
    await uploads.close();
    await gateway.close();
  };
  return { gateway, app, add, close };
}
