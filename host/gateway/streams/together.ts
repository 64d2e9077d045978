/**
 * Joins all messages that are written to a socket in one turn of the event loop into one write. A system call
 * per message would cost more than the message.
 *
 * In: a socket, before each message.  Out: nothing. The write happens at the end of the turn, without delay.
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
