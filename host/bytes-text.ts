/**
 * Formats a number of bytes for people.
 *
 * In: bytes.  Out: `640 B`, `48.3 KB`, `1.20 MB`; 1 KB is 1,000 B.
 */
export const bytesText = (bytes: number): string =>
  bytes < 1000 ? `${bytes} B` : bytes < 1e6 ? `${(bytes / 1e3).toFixed(1)} KB` : `${(bytes / 1e6).toFixed(2)} MB`;
