/**
 * Windows: the collected windows of one slot on the disk, in a bounded number of bytes.
 *
 * In: records.  Out: after a crash at any operation, each window is there as a whole or not at all.
 * Errors: RN802, RN874, RN877.
 * Rule: one file per window. Its name holds all that the index needs, so a start reads no file. If there is
 * no room, the oldest window of the least useful kind goes: `kinds` in order, but each kind keeps an eighth
 * of the room. A window that is deleted gets another name first, so that a start after a crash deletes it
 * too; then it is overwritten with zeros, and removed. Operations run one at a time.
 *
 *     collected/<slot>/<id>.<reasons>.<bytes>   a window (record.ts in seal.ts)
 *     collected/<slot>/<id>.labels              its labels
 *     *.part, *.gone                            a file that is being written, or deleted
 */
import type { Label } from '../../learn/label-schema.ts';
import { type Reason, reasons } from '../../learn/reasons.ts';
import { type Disk, diskError, eraseFile, writeWhole } from '../store/disk.ts';
import { maxLabels, readLabels } from './labels.ts';
import { noWindow, tooManyLabels } from './missing.ts';
import { decodeRecord, encodeRecord, type WindowRecord } from './record.ts';
import { seal, sealBytes, unseal } from './seal.ts';

interface Limits {
  maxBytes: number;
  keepDays: number;
}

/** A window in the index. */
export interface Kept {
  id: number;
  reasons: Reason[];
  bytes: number;
  labelled: boolean;
}

/** Kinds of windows, the least useful first. */
const kinds = [...reasons, 'labelled'] as const;
type Kind = (typeof kinds)[number];

/** Bytes of a block of the disk, in which files are counted. Usual for ext4, XFS, APFS and NTFS. */
export const blockBytes = 4096;
/** Share of the room that a kind keeps, as a divisor. There are fewer kinds than that. */
const keptShare = 8;
/** Upper bound of a file of labels, in blocks: 16 labels with two texts of 64 and 128 characters. */
const labelBlocks = 5;
/** Ids of one millisecond: an id is its time times this number, or the next free one. */
const idsPerMs = 1024;
const dayMs = 86_400_000;

const windowName = /^(\d{1,16})\.([a-z]+(?:-[a-z]+)*)\.(\d{1,12})$/;
const labelsName = /^(\d{1,16})\.labels$/;
const unfinished = /\.(part|gone)$/;

export const timeOf = (id: number): number => Math.floor(id / idsPerMs);
const nameOf = ({ id, reasons: why, bytes }: Omit<Kept, 'labelled'>): string => `${id}.${why.join('-')}.${bytes}`;
const roomOf = ({ bytes, labelled }: Kept): number => blockBytes * (Math.ceil(bytes / blockBytes) + (labelled ? labelBlocks : 0));
const kindOf = ({ labelled, reasons: why }: Kept): Kind =>
  labelled ? 'labelled' : (why.toSorted((a, b) => reasons.indexOf(b) - reasons.indexOf(a))[0] as Kind);

export class Windows {
  readonly slot: string;
  #disk: Disk;
  #key?: Uint8Array;
  #folder: string;
  /** Windows by kind, oldest first, and the room of each kind in bytes. */
  #byKind = new Map<Kind, Map<number, Kept>>(kinds.map((kind) => [kind, new Map()]));
  #rooms = new Map<Kind, number>(kinds.map((kind) => [kind, 0]));
  #all = new Map<number, Kept>();
  #lastId = 0;
  /**
   * Files that are to be overwritten and removed. After an error of the disk they wait for the next attempt.
   */
  #gone = new Set<string>();
  #queue: Promise<unknown> = Promise.resolve();
  /** Called with the labels of a window when they are read or change, and without when it goes. */
  onLabels?: (id: number, labels?: readonly Label[]) => void;

  private constructor(disk: Disk, slot: string, key?: Uint8Array) {
    this.#disk = disk;
    this.slot = slot;
    this.#key = key;
    this.#folder = `collected/${slot}`;
  }

  /** Reads the index of a slot, and finishes what a crash interrupted. @throws RN802 */
  static async open(disk: Disk, slot: string, key?: Uint8Array): Promise<Windows> {
    const windows = new Windows(disk, slot, key);
    await windows.#next(() => windows.#recover());
    return windows;
  }

  async #recover(): Promise<void> {
    const names = await this.#disk.list(this.#folder);
    const found: Kept[] = [];
    const labelled = new Set<number>();
    const stray: string[] = [];
    for (const name of names) {
      const [, id, why = '', bytes] = windowName.exec(name) ?? [];
      const known = why.split('-').filter((one): one is Reason => reasons.includes(one as Reason));
      if (id !== undefined && known.length > 0)
        found.push({ id: Number(id), reasons: known, bytes: Number(bytes), labelled: false });
      else if (unfinished.test(name)) stray.push(name);
      else if (labelsName.test(name)) labelled.add(Number.parseInt(name, 10));
    }
    found.sort((a, b) => a.id - b.id);
    for (const one of found) this.#put({ ...one, labelled: labelled.delete(one.id) });
    for (const name of [...stray, ...[...labelled].map((id) => `${id}.labels`)]) this.#gone.add(name);
    await this.#eraseGone();
  }

  get count(): number {
    return this.#all.size;
  }

  /** Room of all windows on the disk, in bytes. */
  get bytes(): number {
    return [...this.#rooms.values()].reduce((sum, room) => sum + room, 0);
  }

  /** Number of windows without a label. */
  get unlabelled(): number {
    return this.count - (this.#byKind.get('labelled')?.size ?? 0);
  }

  /** Returns the windows without a label whose most useful reason is `reason`. */
  unlabelledOf = (reason: Reason): Iterable<Kept> => this.#byKind.get(reason)?.values() ?? [];

  /** Returns the entry of a window in the index. */
  find = (id: number): Kept | undefined => this.#all.get(id);

  /** Lists windows with an id above `after`, the oldest first. */
  list(after = -1, limit = 1000, reason?: string): Kept[] {
    const found: Kept[] = [];
    for (const one of this.#all.values()) {
      if (found.length >= limit) break;
      if (one.id > after && (reason === undefined || one.reasons.includes(reason as Reason))) found.push(one);
    }
    return found;
  }

  /**
   * Writes a window. @returns its id; undefined if it would be the first one to go.
   * @throws RN802; nothing of it is then on the disk
   */
  add(record: WindowRecord, limits: Limits): Promise<number | undefined> {
    return this.#next(async () => {
      const id = Math.max(this.#lastId + 1, Math.floor(record.timeMs) * idsPerMs);
      const plain = encodeRecord(record);
      const kept = { id, reasons: record.reasons, bytes: plain.length + sealBytes(this.#key), labelled: false };
      const victims = this.#victims(kept, limits.maxBytes);
      if (!victims) return undefined;
      await this.#erase(victims);
      await this.#write(nameOf(kept), plain);
      this.#put(kept);
      return id;
    });
  }

  /** Reads a window. @throws RN802, RN874, RN877 */
  async read(id: number): Promise<WindowRecord & { labels: Label[] }> {
    return this.#next(async () => {
      const kept = this.#find(id);
      const name = nameOf(kept);
      const record = decodeRecord(await this.#open(name), this.#at(name));
      return { ...record, labels: await this.#labelsOf(kept) };
    });
  }

  /** Reads the labels of a window, without the window. @throws RN802, RN874, RN877 */
  labels(id: number): Promise<Label[]> {
    return this.#next(() => this.#labelsOf(this.#find(id)));
  }

  /**
   * Adds a label; a second one of the same annotator replaces the first. @throws RN802, RN813, RN874, RN877
   */
  label(id: number, label: Label): Promise<void> {
    return this.#next(async () => {
      const kept = this.#find(id);
      const others = (await this.#labelsOf(kept)).filter(({ annotator }) => annotator !== label.annotator);
      if (others.length >= maxLabels) throw tooManyLabels(this.slot, id);
      await this.#writeLabels(kept, [...others, label]);
    });
  }

  /** Removes the label of an annotator, if there is one. @throws RN802, RN874, RN877 */
  unlabel(id: number, annotator: string): Promise<void> {
    return this.#next(async () => {
      const kept = this.#find(id);
      const before = await this.#labelsOf(kept);
      const others = before.filter((one) => one.annotator !== annotator);
      if (others.length === before.length) return;
      if (others.length > 0) return this.#writeLabels(kept, others);
      await this.#eraseGone();
      await this.#retire(`${id}.labels`);
      this.#replace(kept, { ...kept, labelled: false });
      this.onLabels?.(id, []);
      await this.#disk.syncFolder(this.#folder);
      await this.#eraseGone();
    });
  }

  /** Deletes one window. @throws RN802, RN874 */
  remove(id: number): Promise<void> {
    return this.#next(async () => {
      await this.#erase([this.#find(id)]);
    });
  }

  /** Deletes all windows. @returns their number. @throws RN802 */
  clear(): Promise<number> {
    return this.#next(() => this.#erase([...this.#all.values()]));
  }

  /** Deletes windows that are too old, and those beyond the room. @throws RN802 */
  tidy({ maxBytes, keepDays }: Limits, nowMs: number): Promise<number> {
    return this.#next(async () => {
      const old = [...this.#all.values()].filter(({ id }) => timeOf(id) < nowMs - keepDays * dayMs);
      return (await this.#erase(old)) + (await this.#erase(this.#victims(undefined, maxBytes) ?? []));
    });
  }

  async #labelsOf({ id, labelled }: Kept): Promise<Label[]> {
    const labels = labelled ? readLabels(await this.#open(`${id}.labels`)) : [];
    this.onLabels?.(id, labels);
    return labels;
  }

  async #writeLabels(kept: Kept, labels: Label[]): Promise<void> {
    await this.#write(`${kept.id}.labels`, new TextEncoder().encode(JSON.stringify(labels)));
    this.#replace(kept, { ...kept, labelled: true });
    this.onLabels?.(kept.id, labels);
  }

  #at = (name: string): string => `${this.#folder}/${name}`;

  #find(id: number): Kept {
    const kept = this.#all.get(id);
    if (!kept) throw noWindow(this.slot, id);
    return kept;
  }

  /** Runs an operation after all earlier ones have ended. */
  #next<T>(run: () => Promise<T>): Promise<T> {
    const done = this.#queue.then(run).catch((error: unknown) => {
      throw diskError(error, 'a collected window');
    });
    this.#queue = done.catch(() => {});
    return done;
  }

  #put(kept: Kept): void {
    this.#all.set(kept.id, kept);
    this.#count(kept);
    this.#lastId = Math.max(this.#lastId, kept.id);
  }

  #drop(kept: Kept): void {
    this.#all.delete(kept.id);
    this.#discount(kept);
  }

  /** Changes the entry of a window, which keeps its place in the list. */
  #replace(before: Kept, after: Kept): void {
    this.#discount(before);
    this.#all.set(after.id, after);
    this.#count(after);
  }

  #count(kept: Kept): void {
    const kind = kindOf(kept);
    this.#byKind.get(kind)?.set(kept.id, kept);
    this.#rooms.set(kind, (this.#rooms.get(kind) ?? 0) + roomOf(kept));
  }

  #discount(kept: Kept): void {
    const kind = kindOf(kept);
    this.#byKind.get(kind)?.delete(kept.id);
    this.#rooms.set(kind, (this.#rooms.get(kind) ?? 0) - roomOf(kept));
  }

  /** Returns the windows that must go for a new one; undefined if the new one would be one of them. */
  #victims(fresh: Kept | undefined, maxBytes: number): Kept[] | undefined {
    const rooms = new Map(this.#rooms);
    const oldest = new Map([...this.#byKind].map(([kind, all]) => [kind, all.values()]));
    const take = (kind: Kind, bytes: number) => rooms.set(kind, (rooms.get(kind) ?? 0) + bytes);
    if (fresh) take(kindOf(fresh), roomOf(fresh));
    const victims: Kept[] = [];
    while ([...rooms.values()].reduce((sum, room) => sum + room, 0) > maxBytes) {
      const kind = kinds.find((one) => (rooms.get(one) ?? 0) > maxBytes / keptShare);
      const victim = kind && oldest.get(kind)?.next().value;
      if (!kind || !victim) return undefined;
      take(kind, -roomOf(victim));
      victims.push(victim);
    }
    return victims;
  }

  async #open(name: string): Promise<Uint8Array> {
    return unseal((await this.#disk.read(this.#at(name))) ?? new Uint8Array(), this.#at(name), this.#key);
  }

  async #write(name: string, plain: Uint8Array): Promise<void> {
    await this.#disk.makeFolder(this.#folder);
    const bytes = seal(plain, this.#at(name), this.#key);
    await writeWhole(this.#disk, this.#folder, name, bytes, (part) => eraseFile(this.#disk, part));
  }

  /** Deletes windows and their labels; after that, no byte of them is on the disk. @returns their number */
  async #erase(victims: readonly Kept[]): Promise<number> {
    for (const kept of victims) {
      for (const name of [...(kept.labelled ? [`${kept.id}.labels`] : []), nameOf(kept)]) await this.#retire(name);
      this.#drop(kept);
      this.onLabels?.(kept.id);
    }
    if (victims.length > 0) await this.#disk.syncFolder(this.#folder);
    await this.#eraseGone();
    return victims.length;
  }

  /** Gives a file the name of one that is to be erased. */
  async #retire(name: string): Promise<void> {
    await this.#disk.rename(this.#at(name), `${this.#at(name)}.gone`);
    this.#gone.add(`${name}.gone`);
  }

  async #eraseGone(): Promise<void> {
    if (this.#gone.size === 0) return;
    for (const name of this.#gone) {
      await eraseFile(this.#disk, this.#at(name));
      this.#gone.delete(name);
    }
    await this.#disk.syncFolder(this.#folder);
  }
}
