/**
 * A small bundle that does not depend on the compiler, for tests of the host: hand-written AssemblyScript
 * that follows docs/abi.md.
 *
 * In: options that each break one thing.  Out: the module's bytes with a manifest. The model: the mean of
 * each of C channels over a window of 8 frames, every 4 frames; int8 in, int8 out, floor division.
 * reference() computes the same outputs in TypeScript.
 */
import { createHash } from 'node:crypto';
import { type Manifest, manifestSection } from '../../assembly/bundle/manifest.ts';
import { nodeTools } from '../../assembly/emit/compile.ts';
import { goldenBytes } from '../../host/session/self-test.ts';

export const hop = 4;
export const window = 8;

export interface TinyOptions {
  channels?: number;
  /** For mode stream: number of outputs that are not reported. */
  warmUpHops?: number;
  hostType?: 'float32' | 'int8' | 'uint8';
  sampleRateHz?: number;
  frontEnd?: string;
  labels?: string[];
  /** Scale of the input. `zeroPoint` is its zero point. */
  scale?: number;
  zeroPoint?: number;
  /** Number of features. `order` is the order of the input's axes in the model file. */
  features?: number;
  order?: ('t' | 'f' | 'c')[];
  /** Replaces texts of the AssemblyScript source: [from, to]. */
  edit?: [string, string][];
  /** Options of asc for the memory; default: a fixed memory of one page. */
  memory?: string[];
  /** Changes the manifest before it is written. */
  manifest?: (m: Manifest) => unknown;
  /** Number of hops of the self-test; default 16. */
  goldenHops?: number;
  /** True for a module without a manifest. */
  bare?: boolean;
}

const elementsOf = (o: TinyOptions) => (o.channels ?? 1) * (o.features ?? 1);

const source = (o: TinyOptions): string => {
  const f32 = (v: number) => new Int32Array(new Float32Array([v]).buffer)[0];
  const c = elementsOf(o);
  return `
const C: i32 = ${c};
const input: usize = memory.data(${hop * c}, 16);
const output: usize = memory.data(${c}, 16);
const state: usize = memory.data(${16 + window * c}, 16); // i32 ready, i32 count, i32 swallowed, i32 0, s8 [8][C]
export function rn_abi(): i32 { return 1; }
export function rn_input(which: i32): i32 { return which == 0 ? <i32>input : 0; }
export function rn_output(which: i32): i32 { return which == 0 ? <i32>output : 0; }
export function rn_state(): i32 { return <i32>state; }
export function rn_reset(): void {
  store<i32>(state, 1); store<i32>(state, 0, 4); store<i32>(state, 0, 8); store<i32>(state, 0, 12);
  for (let i: i32 = 0; i < ${window} * C; i++) store<i8>(state + 16 + i, ${o.zeroPoint ?? 0});
}
export function rn_push(frames: i32): i32 {
  if (load<i32>(state) != 1) return -1;
  if (frames < 1 || frames > ${hop}) return -2;
  let due: i32 = 0;
  for (let n: i32 = 0; n < frames; n++) {
    for (let i: i32 = 0; i < ${window - 1} * C; i++) store<i8>(state + 16 + i, load<i8>(state + 16 + i + C));
    for (let i: i32 = 0; i < C; i++) store<i8>(state + 16 + ${window - 1} * C + i, load<i8>(input + n * C + i));
    const count: i32 = load<i32>(state, 4) + 1;
    store<i32>(state, count, 4);
    if (count != ${window}) continue;
    store<i32>(state, count - ${hop}, 4);
    if (load<i32>(state, 8) < ${o.warmUpHops ?? 0}) { store<i32>(state, load<i32>(state, 8) + 1, 8); continue; }
    for (let i: i32 = 0; i < C; i++) {
      let sum: i32 = 0;
      for (let k: i32 = 0; k < ${window}; k++) sum += load<i8>(state + 16 + k * C + i);
      store<i8>(output + i, sum >> 3);
    }
    due = 1;
  }
  return due;
}
export function rn_info(what: i32): i32 {
  switch (what) {
    case 0: return ${hop};
    case 1: return ${window};
    case 2: return 1;
    case 3: return ${o.warmUpHops ?? 0};
    case 4: return 0;
    case 5: return ${16 + window * c};
    case 7: return 0;
    case 9: return 1;
    case 10: return 1;
    case 16: return ${o.hostType === 'uint8' ? 3 : 1};
    case 17: return C;
    case 18: return ${o.zeroPoint ?? 0};
    case 19: return ${f32(o.scale ?? 0.5)};
    case 64: return 1;
    case 65: return C;
    case 66: return ${o.zeroPoint ?? 0};
    case 67: return ${f32(o.scale ?? 0.5)};
  }
  return -1;
}
`;
};

/** Returns the outputs for int8 frames [frames][C], one Int8Array per window. */
export function reference(frames: Int8Array, c = 1, warmUpHops = 0): Int8Array[] {
  const count = frames.length / c;
  const out: Int8Array[] = [];
  for (let start = warmUpHops * hop; start + window <= count; start += hop)
    out.push(
      Int8Array.from({ length: c }, (_, i) => {
        let sum = 0;
        for (let k = 0; k < window; k++) sum += frames[(start + k) * c + i] as number;
        return sum >> 3;
      }),
    );
  return out;
}

export const sha256 = (parts: Int8Array[]): string => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(new Uint8Array(part.buffer, part.byteOffset, part.length));
  return hash.digest('hex');
};

/** Returns the manifest of a tiny bundle. */
export function tinyManifest(o: TinyOptions = {}): Manifest {
  const c = elementsOf(o);
  const port = { scale: o.scale ?? 0.5, zeroPoint: o.zeroPoint ?? 0, elements: c };
  const shape = (t: number): [number, number, number] => [t, o.features ?? 1, o.channels ?? 1];
  const next = goldenBytes(7);
  const golden = reference(
    Int8Array.from({ length: (o.goldenHops ?? 16) * hop * c }, () => next()),
    c,
    o.warmUpHops,
  );
  return {
    manifest: 1,
    abi: 1,
    name: 'moving-average',
    producer: '0.1.0',
    target: 'interp',
    mode: o.warmUpHops ? 'stream' : 'windowed',
    inputs: [
      {
        name: 'signal',
        hostType: o.hostType ?? 'float32',
        ...port,
        shape: shape(window),
        order: o.order ?? ['t', 'f', 'c'],
        fileShape: [1, window, c],
      },
    ],
    outputs: [{ name: 'mean', hostType: 'float32', ...port, shape: shape(1), order: ['t', 'f', 'c'], fileShape: [1, c] }],
    window,
    hop,
    microHop: 1,
    warmUpHops: o.warmUpHops ?? 0,
    delayFrames: 0,
    sampleRateHz: o.sampleRateHz,
    frontEnd: o.frontEnd,
    labels: o.labels,
    macsPerHop: window * c,
    macsPerWindow: window * c,
    layers: [{ name: 'mean', op: 'avgpool', section: 'trunk', macsPerHop: window * c, macsPerWindow: window * c }],
    bytes: {
      weightBytes: 0,
      tableBytes: 0,
      stateBytes: 16 + window * c,
      scratchBytes: 0,
      ioBytes: (hop + 1) * c,
      paddingBytes: 0,
      memoryBytes: 16 + window * c + (hop + 1) * c,
    },
    stateDigest: sha256([new Int8Array([c, o.zeroPoint ?? 0])]),
    sourceDigest: '0'.repeat(64),
    golden: { seed: 7, hops: o.goldenHops ?? 16, outputs: golden.length, digest: sha256(golden) },
  };
}

const leb = (value: number): number[] => (value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...leb(value >>> 7)]);

/** Returns `wasm` with a custom section appended. */
export function withSection(wasm: Uint8Array, name: string, content: Uint8Array): Uint8Array {
  const label = new TextEncoder().encode(name);
  const payload = [...leb(label.length), ...label];
  return new Uint8Array([...wasm, 0, ...leb(payload.length + content.length), ...payload, ...content]);
}

const compiled = new Map<string, Uint8Array>();
const flags = ['-O', '--runtime=stub', '--noAssert', '--use=abort=', '--disable=bulk-memory'];

/** Compiles AssemblyScript to wasm in memory; the same source is compiled once. */
export async function compileTiny(source: string, memory: string[]): Promise<Uint8Array> {
  const key = `${memory}\n${source}`;
  const known = compiled.get(key);
  if (known) return known;
  const job = { files: { 'module.ts': source }, argv: [...flags, ...memory], transform: false };
  const { wasm, diagnostics } = await nodeTools.assemble(job);
  if (!wasm) throw new Error(diagnostics);
  compiled.set(key, wasm);
  return wasm;
}

/** Returns the bytes of a tiny bundle. */
export async function tinyBundle(o: TinyOptions = {}): Promise<Uint8Array> {
  let text = source(o);
  for (const [from, to] of o.edit ?? []) {
    if (!text.includes(from)) throw new Error(`tiny bundle: no text ${from}`);
    text = text.replace(from, to);
  }
  const wasm = await compileTiny(text, o.memory ?? ['--initialMemory', '1', '--maximumMemory', '1']);
  if (o.bare) return wasm;
  const manifest = tinyManifest(o);
  const written = o.manifest ? o.manifest(manifest) : manifest;
  return withSection(wasm, manifestSection, new TextEncoder().encode(JSON.stringify(written)));
}
