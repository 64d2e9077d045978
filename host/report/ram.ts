/**
 * RAM of a bundle on WAMR, and what TensorFlow Lite Micro takes for the same model file.
 *
 * In: file, memory and code bytes of a bundle, the digest of its model file.  Out: bytes, and lines for
 * `inspect`.  WAMR's interpreters keep the file in RAM too.  The engine's pool and the peer's figures were
 * measured once, for this project: WAMR 2.4.3 on rv32; TensorFlow Lite Micro 90b983c2 on Cortex-M4F with gcc
 * -Os, reference kernels and CMSIS-NN. An interpreter's pool also depends on the module; these are the
 * figures of a small one.
 */

/**
 * Bytes beside linear memory: fixed, and a share of the code; whether the loader writes into the file, so
 * that it must be in RAM.
 */
const pools = [
  { engine: 'AOT', bytes: 2300, perCodeByte: 0, holdsFile: false },
  { engine: 'classic interpreter', bytes: 3700, perCodeByte: 0, holdsFile: true },
  { engine: 'fast interpreter', bytes: 3800, perCodeByte: 2.8, holdsFile: true },
] as const;

/** Bytes that WAMR's linear memory has beside what the manifest counts: below address 16, and the stack. */
export const pagePadding = 24;

export interface Peer {
  model: string;
  /** The model file, which stays in flash. */
  fileBytes: number;
  /** Reference kernels, CMSIS-NN. */
  arenaBytes: readonly [number, number];
  codeBytes: readonly [number, number];
}

/** By SHA-256 of the model file. */
const peers: Record<string, Peer> = {
  '0689abe1912a95a3318a0d8cb2e67bad0cbcfe3e24dd6e050c75debddfb6f891': {
    model: 'okay_nabu v2',
    fileBytes: 60264,
    arenaBytes: [18372, 19124],
    codeBytes: [42984, 78128],
  },
  '21a7976add39ee24ec96c63d96b7aaa18e24d1d9824b963e451da8feb4b78b77': {
    model: 'hey_jarvis v2',
    fileBytes: 52272,
    arenaBytes: [15492, 17348],
    codeBytes: [42976, 78120],
  },
  '7aa4db6d5fb7c5358609f6931e7847d303c16a43d178638bc14104f50d7eff5f': {
    model: 'vad',
    fileBytes: 34328,
    arenaBytes: [9012, 9972],
    codeBytes: [42984, 78128],
  },
  f9af22ab15bf72a23157ac6d47593d48636ea6fbf65af57dc2ff7e65ad6769fe: {
    model: 'okay_nabu v1',
    fileBytes: 115400,
    arenaBytes: [45092, 45156],
    codeBytes: [62600, 102596],
  },
  aeea436800704fce17b17292e4412630ad856e9d777c044c64ef748a880bd0ae: {
    model: 'kws_ref',
    fileBytes: 53936,
    arenaBytes: [22772, 22820],
    codeBytes: [35232, 72424],
  },
  '3af8550895ba7d5c584277102b5075c52dcfa63ba9d2b2240f37c4e6abd5dd2b': {
    model: 'str_ww',
    fileBytes: 74520,
    arenaBytes: [15252, 16596],
    codeBytes: [35240, 72432],
  },
  '09e5e2a9dfb2d8ed78802bf18ce297bff54281a66ca18e0c23d69ca14f822a83': {
    model: 'micro_speech',
    fileBytes: 18800,
    arenaBytes: [6788, 6836],
    codeBytes: [35232, 72424],
  },
};

export interface Ram {
  /** Linear memory, pool and, where the engine holds it, the file, by engine. */
  engines: { engine: string; poolBytes: number; fileBytes: number; totalBytes: number }[];
  tensorflowLiteMicro?: Peer;
}

export function ramOf(bundle: { fileBytes: number; memoryBytes: number; codeBytes: number; sourceDigest: string }): Ram {
  const peer = Object.hasOwn(peers, bundle.sourceDigest) ? peers[bundle.sourceDigest] : undefined;
  const engines = pools.map(({ engine, bytes, perCodeByte, holdsFile }) => {
    const poolBytes = Math.round(bytes + perCodeByte * bundle.codeBytes);
    const fileBytes = holdsFile ? bundle.fileBytes : 0;
    return { engine, poolBytes, fileBytes, totalBytes: bundle.memoryBytes + poolBytes + fileBytes };
  });
  return { engines, ...(peer && { tensorflowLiteMicro: peer }) };
}

export function ramLines(bundle: Parameters<typeof ramOf>[0]): string[] {
  const { engines, tensorflowLiteMicro: peer } = ramOf(bundle);
  const each = engines.map(({ engine, poolBytes, totalBytes }) => `${totalBytes} with WAMR ${engine} (pool ${poolBytes})`);
  const lines = [`RAM     about ${each.join(', ')}: memory, the engine's pool and, with an interpreter, the file`];
  if (peer)
    lines.push(
      `        TensorFlow Lite Micro, ${peer.model}: arena ${peer.arenaBytes.join(' or ')}, weights stay in flash (model file ${peer.fileBytes}, code ${peer.codeBytes.join(' or ')}; reference kernels or CMSIS-NN)`,
    );
  return lines;
}
