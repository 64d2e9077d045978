/** Messages from the worker to the page. */
export type Message =
  | { kind: 'ready'; words: string[]; sampleRateHz: number }
  | { kind: 'heard'; label: string; seconds: number; probability: number }
  | { kind: 'error'; text: string };
