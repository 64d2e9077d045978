/**
 * Messages that are written in one turn of the event loop leave in one write: a system call for each would
 * cost more than the message.
 *
 * In: a socket, before each message.  Out: nothing. They leave before the loop waits, so none is late.
 */
import type { Duplex } from 'node:stream';

const gathering = new WeakSet<Duplex>();

export function together(wire: Duplex): void {
  if (gathering.has(wire)) return;
  gathering.add(wire);
  wire.cork();
  process.nextTick(() => {
    gathering.delete(wire);
    wire.uncork();
  });
}
