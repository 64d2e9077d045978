/**
 * Table of the logarithm: the height of log2 above the chord between two powers of 2.
 *
 * Out: int16 [129]: round(65536 * (log2(1 + i / 128) - i / 128)).  Source: log_lut.c of the micro front end
 * holds these numbers; this formula gives all of them.
 */
export const logSegments = 128;

export const logTable = (): Int16Array =>
  Int16Array.from({ length: logSegments + 1 }, (_, i) => Math.round(65536 * (Math.log2(1 + i / logSegments) - i / logSegments)));
