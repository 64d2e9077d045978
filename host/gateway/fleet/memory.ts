/**
 * What a gateway remembers of its fleet: the desired state that it acts on, and what came of it, as the file `fleet` in its state folder.
 *
 * In: a disk.  Out: reads and atomic writes. A file that cannot be read is as none: the gateway's own state says what runs.
 */
import { type Disk, writeWhole } from '../store/disk.ts';
import { type Desired, parseDesired, type states } from './messages.ts';

export interface Outcome {
  state: (typeof states)[number];
  code?: string;
  why?: string;
}

export interface Memory {
  desired?: Desired;
  /** undefined: under way. */
  outcome?: Outcome;
}

export const emptyMemory = (): Memory => ({});

export function fleetMemory(disk: Disk) {
  return {
    async read(): Promise<Memory> {
      const bytes = await disk.read('fleet');
      if (!bytes) return emptyMemory();
      try {
        const { desired, outcome } = JSON.parse(new TextDecoder().decode(bytes)) as Memory;
        return { desired: parseDesired(new TextEncoder().encode(JSON.stringify(desired))), ...(outcome && { outcome }) };
      } catch {
        return emptyMemory();
      }
    },
    write: (memory: Memory): Promise<void> => writeWhole(disk, '.', 'fleet', new TextEncoder().encode(JSON.stringify(memory))),
  };
}
