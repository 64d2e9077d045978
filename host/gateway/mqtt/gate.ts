/**
 * Bounds of MQTT packets, held before a packet's body is there.
 *
 * In: the bytes of a connection as they come, a rule.  Out: why the rule refuses a packet. A parser keeps a
 * packet until it is whole, and a packet may have 256 MiB; so the rule sees the fixed header alone (MQTT
 * 3.1.1, section 2.2; MQTT 5, section 2.1), and the connection ends there. Cost: a few numbers a connection,
 * and a step a packet.
 */
import type { Duplex } from 'node:stream';
import { RunletError } from '../../../models/error.ts';

export interface PacketHead {
  type: number;
  flags: number;
  /** Of the body: what the header calls the remaining length. */
  bytes: number;
}

/** @returns why this packet is refused; undefined: it is taken */
export type PacketRule = (head: PacketHead) => string | undefined;

export const packetTypes = { connect: 1, publish: 3 } as const;

/** MQTT 3.1.1, section 2.2.3: the remaining length has four bytes at most. */
const mostLengthFactor = 128 ** 3;

/** A reader of headers for one connection. */
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
        if (factor === mostLengthFactor) return 'its length has more than four bytes';
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

/** Ends a connection at the first packet that the rule refuses; its `error` event has the RN878. */
export function guardPackets(stream: Duplex, where: string, rule: PacketRule): void {
  const take = packetGate(rule);
  const onData = (chunk: Uint8Array) => {
    const why = take(chunk);
    if (why === undefined) return;
    stream.off('data', onData);
    stream.destroy(
      new RunletError('RN878', {
        what: 'what came over MQTT is beyond what is taken',
        where,
        why,
        tryThis: 'docs/streams.md and docs/fleet.md have the bounds; the connection was ended',
      }),
    );
  };
  stream.on('data', onData);
}
