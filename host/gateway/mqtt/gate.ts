/**
 * Packet gate: checks the fixed header of an MQTT packet before its body arrives.
 *
 * In: the bytes of a connection as they arrive, a rule.  Out: the rule's reason to refuse a packet. A parser
 * would buffer a whole packet, and a packet may have 256 MiB. So the connection ends at the fixed header.
 * Errors: RN878.  Source: MQTT 3.1.1, section 2.2; MQTT 5, section 2.1.
 * Cost: a few numbers per connection, and one step per packet.
 */
import type { Duplex } from 'node:stream';
import { RunletError } from '../../../models/error.ts';

export interface PacketHead {
  type: number;
  flags: number;
  /** Size of the body: the header's remaining length. */
  bytes: number;
}

/** @returns why the packet is refused; undefined if it is accepted. */
export type PacketRule = (head: PacketHead) => string | undefined;

export const packetTypes = { connect: 1, publish: 3, pubrel: 6 } as const;

/** Factor of the fourth and last byte of the remaining length (MQTT 3.1.1, section 2.2.3). */
const maxLengthFactor = 128 ** 3;

/** Returns a function that reads the packet headers of one connection. */
export function packetGate(rule: PacketRule): (chunk: Uint8Array) => string | undefined {
  let first: number | undefined;
  let length = 0;
  let factor = 1;
  let left = 0;
  return (chunk) => {
    for (let at = 0; at < chunk.length; ) {
      if (left > 0) {
        const step = Math.min(left, chunk.length - at);
        left -= step;
        at += step;
        continue;
      }
      const byte = chunk[at++] as number;
      if (first === undefined) {
        first = byte;
        length = 0;
        factor = 1;
        continue;
      }
      length += (byte & 127) * factor;
      if (byte & 128) {
        if (factor === maxLengthFactor) return 'its length has more than four bytes';
        factor *= 128;
        continue;
      }
      const why = rule({ type: first >> 4, flags: first & 15, bytes: length });
      if (why !== undefined) return why;
      left = length;
      first = undefined;
    }
    return undefined;
  };
}

/** Ends a connection at the first packet that the rule refuses; the stream's `error` event gets RN878. */
export function guardPackets(stream: Duplex, where: string, rule: PacketRule): void {
  const take = packetGate(rule);
  const onData = (chunk: Uint8Array) => {
    const why = take(chunk);
    if (why === undefined) return;
    stream.off('data', onData);
    stream.destroy(
      new RunletError('RN878', {
        what: 'this MQTT packet cannot be accepted',
        where,
        why,
        tryThis: 'see docs/streams.md and docs/fleet.md for the limits; the connection was closed',
      }),
    );
  };
  stream.on('data', onData);
}
