/** Collected windows as a gateway gives them, for tests of sets of windows. */
import type { WindowJson } from '../host/gateway/collect/window-json.ts';
import type { SetOptions } from '../host/remote/window-set.ts';

export const [ticks, elements] = [4, 3];
export const signal = {
  ...{ tickBytes: 12, sampleRateHz: 50, hop: 2, window: ticks, unit: undefined, labels: ['sit', 'walk', 'run'] },
  inputs: [{ name: 'x', hostType: 'float32', elements, rate: 1 }],
  outputs: [{ name: 'y', elements: 3 }],
} as unknown as SetOptions['signal'];

/** Returns window n, with two ticks of signal on each side. */
export const windowOf = (n: number, more: Partial<WindowJson> = {}): WindowJson => {
  const all = Float32Array.from({ length: (ticks + 4) * elements }, (_, i) => 100 * n + i + 0.5);
  return {
    ...{ id: n, stream: `s${n}`, sequence: n, frame: n + 9, timeMs: 1.7e12, digest: 'ab', version: '1.0.0', reasons: ['random'] },
    ...{ share: 0.25, from: 10, windowFrom: 12, windowTicks: ticks, tickBytes: 12, filled: 0, outputs: [[1, 2, 3]], labels: [] },
    inputs: [{ name: 'x', hostType: 'float32', elements, scale: 1, zeroPoint: 0 }],
    signal: Buffer.from(all.buffer).toString('base64'),
    ...more,
  };
};
export const valuesOf = (n: number) => Array.from({ length: ticks * elements }, (_, i) => 100 * n + 2 * elements + i + 0.5);
export async function* each(windows: WindowJson[]) {
  yield* windows;
}
