/**
 * buildFrontEnd: FrontEnd -> Bundle. The module turns sound into rows of features.
 *
 * In: a FrontEnd (models/frontend).  Out: one WebAssembly module with the standard ABI: int16 samples in, one
 * row int8 [1][1][channels] out, hop = stepSamples, window = windowSamples. quant/frontend/reference.ts
 * computes the golden. The same input gives the same bytes.
 */
import type { FrontEnd } from '../models/frontend/types.ts';
import type { Bundle } from './build.ts';
import { memoryBytes, sectionBytes } from './bundle/bytes.ts';
import { type Form, type Manifest, manifestSection } from './bundle/manifest.ts';
import { manifestBytes } from './bundle/write.ts';
import { compile, nodeTools } from './emit/compile.ts';
import { filesOf } from './emit/compiler.ts';
import { customSection, moduleOf, sectionsOf, withData } from './emit/patch.ts';
import { wasiData } from './emit/wasi.ts';
import { estimatesNoise, frontEndConfig } from './frontend/config.ts';
import { frontEndGolden } from './frontend/golden.ts';
import { frontEndDigest, soundPort } from './frontend/manifest.ts';
import { mapFrontEnd, markBytes } from './frontend/map.ts';
import { packFrontEnd } from './frontend/pack.ts';
import { frontEndInfo, frontEndSource } from './frontend/source.ts';

export interface FrontEndBuildOptions {
  producer?: string;
  /** `wasi`: the module is also a WASI command. */
  form?: Form;
  /** SHA-256 of the file that the front end was read from. Default: the digest of its tables. */
  sourceDigest?: string;
}

/** Emits, compiles and packs a front end. @throws RunletError RN5xx */
export async function buildFrontEnd(frontEnd: FrontEnd, options: FrontEndBuildOptions = {}): Promise<Bundle> {
  const producer = options.producer ?? 'runlet';
  const { form } = options;
  const memory = mapFrontEnd(frontEnd, form);
  const source = frontEndSource(frontEnd, memory, producer);
  const code = await compile(source, memory.end, 'interp');
  const places = { state: memory.state.address + markBytes, scratch: memory.scratch.address, row: memory.row };
  const data = new Uint8Array(memory.tables.address + memory.tables.bytes - memory.base);
  data.set(packFrontEnd(frontEnd, memory.tables.address, places).bytes, memory.tables.address - memory.base);
  const digest = await frontEndDigest(frontEnd);
  const { name, channels, stepSamples, windowSamples, output } = frontEnd;
  const manifest: Manifest = {
    manifest: 1,
    abi: 1,
    name,
    producer,
    target: 'interp',
    ...(form && { form }),
    mode: 'windowed',
    inputs: [soundPort(windowSamples)],
    outputs: [
      {
        name: 'features',
        hostType: 'int8',
        elements: channels,
        shape: [1, 1, channels],
        order: ['t', 'f', 'c'],
        fileShape: [channels],
        scale: output.scale,
        zeroPoint: output.zeroPoint,
      },
    ],
    window: windowSamples,
    hop: stepSamples,
    microHop: stepSamples,
    warmUpHops: 0,
    delayFrames: 0,
    sampleRateHz: frontEnd.sampleRateHz,
    ...(estimatesNoise(frontEnd) && { carriesState: true }),
    frontEndConfig: frontEndConfig(frontEnd),
    macsPerHop: 0,
    macsPerWindow: 0,
    layers: [],
    bytes: memoryBytes(memory),
    stateDigest: digest,
    sourceDigest: options.sourceDigest ?? digest,
    golden: await frontEndGolden(frontEnd),
  };
  const section = customSection(manifestSection, manifestBytes(manifest));
  const command = memory.wasi && [
    { address: memory.wasi.address, data: wasiData(memory.wasi.address, frontEndInfo(frontEnd, memory)) },
  ];
  const bare = withData(code, { address: memory.base, data }, ...(command ?? []));
  const wasm = moduleOf([...sectionsOf(bare), section]);
  return { wasm, manifest, memory, file: sectionBytes(wasm), source: filesOf(nodeTools, source) };
}
