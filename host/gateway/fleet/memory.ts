/**
 * What a gateway remembers of its fleet, as the file `fleet` in its state folder.
 *
 * In: a disk.  Out: reads and atomic writes. A file of another form is said (RN898) and is as none: the
 * gateway's own state says what runs, and its bundles' sequence numbers hold. Only then a desired state that
 * was passed long ago could be taken again.
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
            what: 'what this gateway remembers of its fleet cannot be read',
            where: 'the file fleet in its state folder',
            why: (error as RunletError).parts.why,
            tryThis: 'nothing: it begins anew with the next desired state; see whether the disk is sound',
          }),
        );
        return {};
      }
    },
    write: (memory: Memory): Promise<void> => writeWhole(disk, '.', 'fleet', new TextEncoder().encode(JSON.stringify(memory))),
  };
}
