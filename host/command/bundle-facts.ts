/**
 * The figures of a bundle, to the byte.
 *
 * In: the module's bytes and its manifest.  Out: one flat object, the same for `build --json` and `inspect
 * --json`.
 */
import { sectionBytes } from '../../assembly/bundle/bytes.ts';
import type { FrontEndManifest, Manifest } from '../../assembly/bundle/manifest.ts';
import type { Home } from '../../assembly/emit/home.ts';
import { isBackground } from '../session/label-detector.ts';

/** Where the weights live; their bytes wherever that is. */
const weightsFacts = ({ weights, bytes }: Manifest): { home: Home; bytes: number; digest?: string; tileBytes?: number } =>
  weights ?? { home: 'embed', bytes: bytes.weightBytes };

export function bundleFacts(wasm: Uint8Array, manifest: Manifest) {
  return {
    name: manifest.name,
    ...(manifest.version !== undefined && { version: manifest.version }),
    ...(manifest.sequence !== undefined && { sequence: manifest.sequence }),
    mode: manifest.mode,
    target: manifest.target,
    style: manifest.style ?? 'calls',
    ...(manifest.reference !== undefined && { reference: manifest.reference }),
    ...(manifest.form && { form: manifest.form }),
    window: manifest.window,
    hop: manifest.hop,
    microHop: manifest.microHop,
    delayFrames: manifest.delayFrames,
    warmUpHops: manifest.warmUpHops,
    ...(manifest.frontEndConfig && { frontEndConfig: manifest.frontEndConfig }),
    ...sectionBytes(wasm),
    ...manifest.bytes,
    weights: weightsFacts(manifest),
    macsPerHop: manifest.macsPerHop,
    macsPerWindow: manifest.macsPerWindow,
    stateDigest: manifest.stateDigest,
    sourceDigest: manifest.sourceDigest,
    labels: manifest.labels,
    detector: manifest.detector,
    features: manifest.features,
  };
}

/** What form `wasi` is, for people. */
export const formText = 'a WASI command too: frames on standard input, outputs on standard output';

/** How weights of a home come to the kernels, for people. */
export const homeText = ({ home, tileBytes }: ReturnType<typeof bundleFacts>['weights']): string =>
  home === 'tile'
    ? `which stay there and are fetched in tiles of at most ${tileBytes?.toLocaleString('en')} bytes (home tile)`
    : home === 'linear'
      ? 'which the host copies into memory once (home linear)'
      : 'in the module (home embed)';

/** What a bundle listens for, for people; undefined where it detects nothing. */
export function detectorText({ detector, features, labels, name }: Manifest): string | undefined {
  if (!detector) return undefined;
  const { label, cutoff, slidingWindow, refractoryMs, cutoffs, voice } = detector;
  const words = label ?? labels?.filter((l) => !isBackground(l)).join(', ') ?? name;
  const others = Object.entries(cutoffs ?? {}).map(([l, c]) => `${l} ${c}`);
  const mean = `mean of ${slidingWindow} output${slidingWindow > 1 ? 's' : ''} above ${cutoff}${others.length > 0 ? ` (${others.join(', ')})` : ''}`;
  const rows = features && `; rows of ${features.preset} every ${(1000 * features.stepSamples) / features.sampleRateHz} ms`;
  return `${voice ? 'voice' : words}: ${mean}, then none for ${refractoryMs} ms${rows ?? ''}`;
}

/** One line about a front end. */
export function soundLine({ name, sampleRateHz, windowSamples, stepSamples, channels }: FrontEndManifest): string {
  const ms = (samples: number) => Number(((1000 * samples) / sampleRateHz).toFixed(3));
  return `front end ${name}: sound at ${sampleRateHz} Hz to rows of ${channels} features, one every ${ms(stepSamples)} ms, window ${ms(windowSamples)} ms`;
}
