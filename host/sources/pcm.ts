/**
 * Decodes PCM samples (little-endian bytes) to numbers from -1 to 1. Has no Node import.
 *
 * In: bytes of whole samples and their encoding.  Out: f32 [samples]; integers are divided by 2^(bits - 1),
 * floats are kept.
 * Source: ITU-T G.711 (mu-law and A-law: 14 and 13 bits, here divided by 2^15).
 * Exact for integers of up to 24 bits, mu-law and A-law; s32 and f64 are rounded to float32.
 */

export const pcmBytes = { u8: 1, s16: 2, s24: 3, s32: 4, f32: 4, f64: 8, alaw: 1, mulaw: 1 } as const;

export type PcmEncoding = keyof typeof pcmBytes;

export const pcmEncodings = Object.keys(pcmBytes) as PcmEncoding[];

/** Decodes G.711 mu-law: a sign, 3 bits of exponent and 4 of mantissa, all inverted. */
function mulawValue(byte: number): number {
  const code = ~byte & 0xff;
  const magnitude = ((((code & 15) << 3) + 0x84) << ((code >> 4) & 7)) - 0x84;
  return code & 0x80 ? -magnitude : magnitude;
}

/** Decodes G.711 A-law: every second bit is inverted; sign 1 is positive. */
function alawValue(byte: number): number {
  const code = byte ^ 0x55;
  const exponent = (code >> 4) & 7;
  const mantissa = ((code & 15) << 4) + 8;
  const magnitude = exponent === 0 ? mantissa : (mantissa + 0x100) << (exponent - 1);
  return code & 0x80 ? magnitude : -magnitude;
}

const lawTable = (value: (byte: number) => number): Float32Array =>
  Float32Array.from({ length: 256 }, (_, byte) => value(byte) / 32768);

const mulaw = lawTable(mulawValue);
const alaw = lawTable(alawValue);

const readers: Record<PcmEncoding, (view: DataView, at: number) => number> = {
  u8: (view, at) => (view.getUint8(at) - 128) / 128,
  s16: (view, at) => view.getInt16(at, true) / 32768,
  s24: (view, at) => (view.getUint16(at, true) | (view.getInt8(at + 2) << 16)) / 8388608,
  s32: (view, at) => view.getInt32(at, true) / 2147483648,
  f32: (view, at) => view.getFloat32(at, true),
  f64: (view, at) => view.getFloat64(at, true),
  alaw: (view, at) => alaw[view.getUint8(at)] as number,
  mulaw: (view, at) => mulaw[view.getUint8(at)] as number,
};

/** Decodes samples. @param bytes must hold whole samples. */
export function decodePcm(bytes: Uint8Array, encoding: PcmEncoding): Float32Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const [step, read] = [pcmBytes[encoding], readers[encoding]];
  const samples = new Float32Array(bytes.length / step);
  for (let i = 0; i < samples.length; i++) samples[i] = read(view, i * step);
  return samples;
}
