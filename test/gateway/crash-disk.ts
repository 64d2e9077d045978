/**
 * A disk in memory that can crash at any operation, or be full. A crash loses, keeps or tears unsynced data.
 *
 * In: where to fail.  Out: a Disk; after the crash, `survivor` returns a disk that the machine may find at
 * the next start. Bytes of a file are durable after `sync`, names after `syncFolder`. Of the other name
 * changes, any number of the oldest may be there, in order. Of a file's unsynced bytes, any first part may be
 * there, or zeros in its place (the length was written, the bytes were not). A truncated file may have its
 * old end again.
 */
import type { Disk, DiskFile } from '../../host/gateway/store/disk.ts';

export class Crash extends Error {}

interface Inode {
  bytes: number[];
  /** Bytes that are durable. */
  synced: number[];
  /** Number of leading bytes that are equal in `bytes` and `synced`. */
  same: number;
}
type Change = { path: string; inode?: Inode };

/** Appends byte by byte, since an argument list is limited in length. */
function append(inode: Inode, bytes: Uint8Array): void {
  for (const byte of bytes) inode.bytes.push(byte);
}

const folderOf = (path: string) => (path.includes('/') ? path.slice(0, path.lastIndexOf('/')) : '.');

export interface Faults {
  /** Index of the operation at which the disk crashes. Neither it nor a later one happens. */
  crashAt?: number;
  /** Capacity in bytes; writing more fails with ENOSPC. */
  roomBytes?: number;
  /** Share of the write at `crashAt` that reaches the disk. */
  torn?: number;
}

export class CrashDisk implements Disk {
  operations = 0;
  faults: Faults;
  #names = new Map<string, Inode>();
  /** Durable names. `#log` holds the changes that are not durable yet. */
  #sure = new Map<string, Inode>();
  #log: Change[] = [];
  #all: Inode[] = [];
  #crashed = false;

  constructor(faults: Faults = {}, files: Map<string, Uint8Array> = new Map()) {
    this.faults = faults;
    for (const [path, bytes] of files) {
      const inode = { bytes: [...bytes], synced: [...bytes], same: bytes.length };
      this.#all.push(inode);
      this.#names.set(path, inode);
      this.#sure.set(path, inode);
    }
  }

  #step(write?: () => void): void {
    if (this.#crashed) throw new Crash('after the crash');
    if (this.operations++ === this.faults.crashAt) {
      this.#crashed = true;
      write?.();
      throw new Crash(`at operation ${this.faults.crashAt}`);
    }
  }

  #used = (): number => [...this.#names.values()].reduce((sum, { bytes }) => sum + bytes.length, 0);

  /** Contents of all files that ever existed, removed ones too: what a search of the whole disk finds. */
  everything = (): Uint8Array[] => this.#all.flatMap(({ bytes, synced }) => [Uint8Array.from(bytes), Uint8Array.from(synced)]);

  #change(path: string, inode?: Inode): void {
    inode ? this.#names.set(path, inode) : this.#names.delete(path);
    this.#log.push({ path, inode });
  }

  async read(path: string): Promise<Uint8Array | undefined> {
    if (this.#crashed) throw new Crash('after the crash');
    const inode = this.#names.get(path);
    return inode && Uint8Array.from(inode.bytes);
  }

  async create(path: string): Promise<DiskFile> {
    this.#step();
    const inode: Inode = { bytes: [], synced: [], same: 0 };
    this.#all.push(inode);
    this.#change(path, inode);
    return this.#file(inode);
  }

  async open(path: string, bytes: number): Promise<DiskFile> {
    this.#step();
    const inode = this.#names.get(path);
    if (!inode) throw Object.assign(new Error(`no ${path}`), { code: 'ENOENT' });
    if (inode.bytes.length < bytes) throw new Error(`${path} is shorter than ${bytes} bytes`);
    inode.bytes.length = bytes;
    inode.same = Math.min(inode.same, bytes);
    return this.#file(inode);
  }

  #file(inode: Inode): DiskFile {
    return {
      write: async (bytes) => {
        this.#step(() => append(inode, bytes.subarray(0, Math.floor(bytes.length * (this.faults.torn ?? 0)))));
        const room = (this.faults.roomBytes ?? Number.POSITIVE_INFINITY) - this.#used();
        append(inode, bytes.subarray(0, Math.max(0, room)));
        if (bytes.length <= room) return;
        throw Object.assign(new Error('no space left'), { code: 'ENOSPC' });
      },
      sync: async () => {
        this.#step();
        inode.synced = [...inode.bytes];
        inode.same = inode.bytes.length;
      },
      close: async () => {},
    };
  }

  async edit(path: string): Promise<(DiskFile & { bytes: number }) | undefined> {
    const inode = this.#names.get(path);
    if (!inode) return undefined;
    this.#step();
    const put = (bytes: Uint8Array) => {
      if (bytes.length > inode.bytes.length) throw new Error(`${path} is shorter than ${bytes.length} bytes`);
      for (const [i, byte] of bytes.entries()) inode.bytes[i] = byte;
      // any part of what is overwritten may survive a crash
      inode.same = 0;
    };
    return {
      bytes: inode.bytes.length,
      write: async (bytes) => {
        this.#step(() => put(bytes.subarray(0, Math.floor(bytes.length * (this.faults.torn ?? 0)))));
        put(bytes);
      },
      sync: async () => {
        this.#step();
        inode.synced = [...inode.bytes];
        inode.same = inode.bytes.length;
      },
      close: async () => {},
    };
  }

  async rename(from: string, to: string): Promise<void> {
    this.#step();
    const inode = this.#names.get(from);
    if (!inode) throw Object.assign(new Error(`no ${from}`), { code: 'ENOENT' });
    this.#names.delete(from);
    this.#names.set(to, inode);
    // one change: no crash can happen between its two halves
    this.#log.push({ path: from, inode: undefined, ...{ to, moved: inode } } as Change);
  }

  async unlink(path: string): Promise<void> {
    if (!this.#names.has(path)) return;
    this.#step();
    this.#change(path);
  }

  async list(folder: string): Promise<string[]> {
    if (this.#crashed) throw new Crash('after the crash');
    return [...this.#names.keys()]
      .filter((path) => folderOf(path) === folder)
      .map((path) => path.slice(path.lastIndexOf('/') + 1));
  }

  async makeFolder(): Promise<void> {}

  async syncFolder(folder: string): Promise<void> {
    this.#step();
    const mine = this.#log.filter(({ path }) => folderOf(path) === folder);
    this.#log = this.#log.filter(({ path }) => folderOf(path) !== folder);
    for (const change of mine) apply(this.#sure, change);
  }

  /**
   * Returns the disk of the next start. `names` chooses how many of the name changes that were not durable
   * happened, in order. `keep(n)` chooses how many of a file's n unsynced bytes are there (n is one more if
   * the file was truncated); `zeros` replaces them by zeros. If both keep all, only the process crashed.
   */
  survivor(
    names: (changes: number) => number,
    keep: (unsynced: number) => number,
    faults: Faults = {},
    zeros = false,
  ): CrashDisk {
    const found = new Map(this.#sure);
    for (const change of this.#log.slice(0, names(this.#log.length))) apply(found, change);
    const files = new Map<string, Uint8Array>();
    for (const [path, inode] of found) files.set(path, Uint8Array.from(survivingBytes(inode, keep, zeros)));
    return new CrashDisk(faults, files);
  }

  files = (): string[] => [...this.#names.keys()].sort();
}

function survivingBytes({ bytes, synced, same }: Inode, keep: (unsynced: number) => number, zeros: boolean): number[] {
  const unsynced = bytes.length - same + (synced.length > same ? 1 : 0);
  const kept = keep(unsynced);
  if (kept === unsynced && !zeros) return bytes;
  const written = bytes.slice(same, same + kept);
  return [...synced.slice(0, same), ...(zeros ? written.fill(0) : written), ...synced.slice(same + written.length)];
}

function apply(names: Map<string, Inode>, change: Change & { to?: string; moved?: Inode }): void {
  if (change.to && change.moved) {
    names.delete(change.path);
    names.set(change.to, change.moved);
  } else if (change.inode) names.set(change.path, change.inode);
  else names.delete(change.path);
}
