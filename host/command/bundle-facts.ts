/**
 * Facts of a bundle, for JSON and for people.
 *
 * In: the module's bytes and its manifest.  Out: one flat object, which `build --json` and `inspect --json`
 * share; lines of text.  Exact: all sizes are exact bytes.
 */
import { sectionBytes } from '../../assembly/bundle/bytes.ts';
import type { FrontEndManifest, Manifest } from '../../assembly/bundle/manifest.ts';
import { checkProvenance } from '../../assembly/bundle/provenance.ts';
import type { Home } from '../../assembly/emit/home.ts';
import { isBackground } from '../session/label-detector.ts';

/** Returns the home of the weights and their size in bytes. */
const weightsFacts = ({ weights, bytes }: Manifest): { home: Home; bytes: number; digest?: string; tileBytes?: number } =>
  weights ?? { home: 'embed', bytes: bytes.weightBytes };

/** Returns the facts of a bundle as one object. */
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
    ...(manifest.provenance !== undefined && {
      producer: manifest.producer,
      provenance: checkProvenance(manifest.provenance),
    }),
    ...(manifest.accuracy !== undefined && { accuracy: manifest.accuracy }),
    labels: manifest.labels,
    detector: manifest.detector,
    features: manifest.features,
  };
}

/** Explains form `wasi`. */
export const formText = 'also a WASI command: frames on standard input, outputs on standard output';

/** Explains where the weights are kept and how the kernels get them. */
export const homeText = ({ home, tileBytes }: ReturnType<typeof bundleFacts>['weights']): string =>
  home === 'tile'
    ? `which stay there and are fetched in tiles of at most ${tileBytes?.toLocaleString('en')} bytes (home tile)`
    : home === 'linear'
      ? 'which the host copies into memory once (home linear)'
      : 'in the module (home embed)';

/** Describes the bundle's detector; undefined if it has none. */
export function detectorText({ detector, features, labels, name }: Manifest): string | undefined {
  if (!detector) return undefined;
  const { label, cutoff, slidingWindow, refractoryMs, cutoffs, voice } = detector;
  const words = label ?? labels?.filter((l) => !isBackground(l)).join(', ') ?? name;
  const others = Object.entries(cutoffs ?? {}).map(([l, c]) => `${l} ${c}`);
  const mean = `mean of ${slidingWindow} output${slidingWindow > 1 ? 's' : ''} above ${cutoff}${others.length > 0 ? ` (${others.join(', ')})` : ''}`;
  const rows = features && `; rows of ${features.preset} every ${(1000 * features.stepSamples) / features.sampleRateHz} ms`;
  return `${voice ? 'voice' : words}: ${mean}, then a pause of ${refractoryMs} ms${rows ?? ''}`;
}

/** Describes a front end in one line. */
export function soundLine({ name, sampleRateHz, windowSamples, stepSamples, channels }: FrontEndManifest): string {
  const ms = (samples: number) => Number(((1000 * samples) / sampleRateHz).toFixed(3));
  return `front end ${name}: sound at ${sampleRateHz} Hz to rows of ${channels} features, one every ${ms(stepSamples)} ms, window ${ms(windowSamples)} ms`;
}
