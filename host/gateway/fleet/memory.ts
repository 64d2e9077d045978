/**
 * Fleet memory of a gateway: its desired state and the outcome, in the file `fleet` in its state folder.
 *
 * In: a disk.  Out: functions that read and write atomically.
 * Errors: RN898 for an invalid file, which is reported and treated as missing. The gateway's own state and
 * the sequence numbers of its bundles remain valid. Only then could an old desired state be accepted again.
 */
import { RunletError } from '../../../models/error.ts';
import { type Disk, writeWhole } from '../store/disk.ts';
import { type Memory, parseMemory } from './messages.ts';

export function fleetMemory(disk: Disk, trouble: (error: RunletError) => void = () => {}) {
  return {
    async read(): Promise<Memory> {
      const bytes = await disk.read('fleet');
      if (!bytes) return {};
      try {
        return parseMemory(bytes);
      } catch (error) {
        trouble(
          new RunletError('RN898', {
            what: "the gateway's memory of its fleet cannot be read",
            where: 'the file fleet in its state folder',
            why: (error as RunletError).parts.why,
            tryThis: 'check the disk; the gateway continues with the next desired state',
          }),
        );
        return {};
      }
    },
    write: (memory: Memory): Promise<void> => writeWhole(disk, '.', 'fleet', new TextEncoder().encode(JSON.stringify(memory))),
  };
}
