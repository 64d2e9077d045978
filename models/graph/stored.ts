/**
 * Representation of stored numbers: scale and zero point, type, and the clamp of the operator that made them.
 *
 * In: parameters of a tensor.  Out: size and range of a stored activation. Source: TensorFlow Lite 8-bit
 * quantisation specification.
 */

/** real = scale * (quantised - zeroPoint), TensorFlow Lite 8-bit quantisation specification. */
export interface QuantParams {
  scale: number;
  zeroPoint: number;
  /**
   * int16: activations of 16 bits with zero point 0 (TensorFlow Lite's 16x8 scheme, docs/adr/0020). Default:
   * int8.
   */
  type?: 'int16';
}

/** Whether two tensors have equal parameters, so that stored values can be copied. */
export const sameParams = (a: QuantParams | undefined, b: QuantParams | undefined): boolean =>
  a?.scale === b?.scale && a?.zeroPoint === b?.zeroPoint && a?.type === b?.type;

/** Stored activations. */
export type Ints = Int8Array | Int16Array;

export const isInt16 = (quant: QuantParams | undefined): boolean => quant?.type === 'int16';
/** Size of one stored activation, bytes. */
export const elementBytes = (quant: QuantParams | undefined): number => (isInt16(quant) ? 2 : 1);
/** Parameters that TensorFlow Lite fixes for int16 outputs within [-1, 1]. */
export const fixedInt16: QuantParams = { scale: 2 ** -15, zeroPoint: 0, type: 'int16' };
/** Smallest and largest stored activation. */
export const storedRange = (quant: QuantParams | undefined): readonly [number, number] =>
  isInt16(quant) ? [-32768, 32767] : [-128, 127];

/** Fused activation as a clamp of the real value: relu is [0, Infinity], none is [-Infinity, Infinity]. */
export type Clamp = readonly [min: number, max: number];
export const noClamp: Clamp = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
