/**
 * What a stored number means: scale and zero point, its type, and the clamp of the operator that made it.
 *
 * In: parameters of a tensor.  Out: bytes and bounds of an activation. Source: TensorFlow Lite 8-bit
 * quantisation specification.
 */

/** real = scale * (quantised - zeroPoint), TensorFlow Lite 8-bit quantisation specification. */
export interface QuantParams {
  scale: number;
  zeroPoint: number;
  /**
   * Activations of 16 bits, whose zero point is 0 (TensorFlow Lite's 16x8 scheme, docs/adr/0020). Left out:
   * int8.
   */
  type?: 'int16';
}

/** Whether stored numbers mean the same, so that bytes may be handed on. */
export const sameParams = (a: QuantParams | undefined, b: QuantParams | undefined): boolean =>
  a?.scale === b?.scale && a?.zeroPoint === b?.zeroPoint && a?.type === b?.type;

/** Stored activations. */
export type Ints = Int8Array | Int16Array;

export const isInt16 = (quant: QuantParams | undefined): boolean => quant?.type === 'int16';
/** Bytes of one stored activation. */
export const elementBytes = (quant: QuantParams | undefined): number => (isInt16(quant) ? 2 : 1);
/** Of outputs within [-1, 1] whose parameters TensorFlow Lite fixes. */
export const fixedInt16: QuantParams = { scale: 2 ** -15, zeroPoint: 0, type: 'int16' };
/** The smallest and the largest stored activation. */
export const storedRange = (quant: QuantParams | undefined): readonly [number, number] =>
  isInt16(quant) ? [-32768, 32767] : [-128, 127];

/** Fused activation as a clamp of the real value: relu is [0, Infinity], none is [-Infinity, Infinity]. */
export type Clamp = readonly [min: number, max: number];
export const noClamp: Clamp = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
