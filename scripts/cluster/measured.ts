/**
 * Measured costs that the model of a cluster uses; docs/scale.md has the table.
 *
 * Source: `npm run cluster:load -- costs takeover --streams 300 --seconds 30 --kills 6`, three gateways, two
 * cores. `streamMs` is fitted to its times until the next output. `requestMs`
 * and `partitionMs` are choices for a broker in the same network.
 */
export const measured = {
  /** Processor ms per stream and second. */
  gatewayMs: 1.665,
  natsMs: 0.721,
  /** Bytes per stream and second. */
  inBytes: 3066,
  outBytes: 939,
  /** Two messages a second. */
  messagesPerS: 2,
  messageMs: 0.833,
  partitionMs: 20,
  streamMs: 2,
  requestMs: [0.5, 3],
  /** Bytes at rest, per message to the broker, and per news of it to a gateway. */
  renewalBytes: 60,
  newsBytes: 77,
} as const;
