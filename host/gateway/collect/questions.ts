/**
 * Questions: which window to ask an annotator next, and how far annotators agree.
 *
 * In: the windows of a slot, names of annotators.  Out: the number of a window; progress; agreement.
 * Rule: windows come in this order. (1) Those on which annotators differ, the least decided first. (2) As
 * long as fewer than a fifth of the labelled windows have two answers: the newest with one answer, so that
 * the agreement can be measured. (3) Windows without a label: those that were asked for, then the reason that
 * has the fewest labelled windows, the newest first. (4) Windows that only others answered. Nobody is asked
 * for an answer that they gave. A window comes last if another annotator was shown it in the last two minutes
 * and has not answered.
 * Cost: the labels are in memory, about 200 bytes for each. The first question reads the files of all labels,
 * later ones none. A question is one pass over the labelled windows and over those of one reason.
 */
import { isRunletError } from '../../../models/error.ts';
import type { Label } from '../../learn/label-schema.ts';
import { type Answer, agreements, answersOf, askAgain, costs } from '../../learn/labels.ts';
import { type Reason, reasons } from '../../learn/reasons.ts';
import type { Windows } from './windows.ts';

/** Why a window is asked: annotators differ, it needs a second answer, it has none, or it has one. */
type Why = 'differ' | 'second' | 'new' | 'more';
export interface Question {
  id: number;
  why: Why;
}

/** Share of the labelled windows that a second annotator is asked for, as a divisor. A choice. */
const secondShare = 5;
/** Time for which a window is somebody's, in milliseconds, and the number of annotators for that. Choices. */
const shownMs = 120_000;
const maxShown = 64;
/** Largest number of windows that an agreement covers: the newest. Bounds the time of a request. */
const maxCompared = 20_000;
const maxDisputes = 100;
const maxPairs = 200;
/** Largest number of windows on which annotators differ that are ordered, and of unreadable ones in a row. */
const maxOrdered = 1000;
const maxTries = 16;

export class Questions {
  #windows: Windows;
  #names: () => readonly string[];
  #labels = new Map<number, readonly Label[]>();
  /** Windows on which annotators differ, and the names of the classes for which that was found. */
  #disputed = new Set<number>();
  #judgedNames = '';
  #unreadable = new Set<number>();
  #shown = new Map<string, { id: number; atMs: number }>();
  #loaded?: Promise<void>;

  /** @param names returns the names of the classes of the running model */
  constructor(windows: Windows, names: () => readonly string[]) {
    this.#windows = windows;
    this.#names = names;
    windows.onLabels = (id, labels) => this.#put(id, labels);
  }

  #put(id: number, labels: readonly Label[] = []): void {
    if (labels.length > 0) this.#labels.set(id, labels);
    else this.#labels.delete(id);
    if (!this.#windows.find(id)) this.#unreadable.delete(id);
    this.#judge(id, labels);
  }

  #judge(id: number, labels: readonly Label[]): void {
    if (askAgain(answersOf(`${id}`, labels, this.#names())).length > 0) this.#disputed.add(id);
    else this.#disputed.delete(id);
  }

  /** Reads the files of labels at the first call. @throws RN802 */
  async #load(): Promise<void> {
    this.#loaded ??= (async () => {
      for (const { id, labelled } of this.#windows.list(-1, Number.POSITIVE_INFINITY)) {
        if (labelled && !this.#labels.has(id)) await this.#passing(id, () => this.#windows.labels(id));
      }
    })();
    await this.#loaded.catch((error: unknown) => {
      this.#loaded = undefined;
      throw error;
    });
    const names = this.#names().join('\n');
    if (names === this.#judgedNames) return;
    this.#judgedNames = names;
    for (const [id, labels] of this.#labels) this.#judge(id, labels);
  }

  /** Reads something of a window. Undefined if it is gone, or cannot be read, and is then asked no more. */
  async #passing<T>(id: number, read: () => Promise<T>): Promise<T | undefined> {
    try {
      return await read();
    } catch (error) {
      if (!isRunletError(error) || (error.code !== 'RN874' && error.code !== 'RN877')) throw error;
      if (error.code === 'RN877') this.#unreadable.add(id);
      return undefined;
    }
  }

  /** Returns the next window to ask an annotator. @param skip not asked now. @throws RN802, RN877 */
  async next(annotator: string, skip: ReadonlySet<number>, nowMs: number) {
    await this.#load();
    const works = (name: string, { id, atMs }: { id: number; atMs: number }) =>
      name !== annotator && atMs > nowMs - shownMs && !this.#said(name, id);
    const busy = new Set([...this.#shown].filter(([name, one]) => works(name, one)).map(([, { id }]) => id));
    for (let tries = 1; ; tries++) {
      const without = (more: ReadonlySet<number>) => (id: number) => skip.has(id) || more.has(id) || this.#unreadable.has(id);
      const found = this.#choose(annotator, without(busy)) ?? this.#choose(annotator, without(new Set()));
      if (!found) return undefined;
      const read = () => this.#windows.read(found.id);
      const record = await (tries < maxTries ? this.#passing(found.id, read) : read());
      if (!record) continue;
      this.#shown.delete(annotator);
      this.#shown.set(annotator, { id: found.id, atMs: nowMs });
      if (this.#shown.size > maxShown) this.#shown.delete(this.#shown.keys().next().value as string);
      return { ...found, record };
    }
  }

  #choose(annotator: string, left: (id: number) => boolean): Question | undefined {
    const open = (id: number) => !left(id) && !this.#said(annotator, id);
    const disputed = [...this.#disputed].filter(open).slice(0, maxOrdered).flatMap(this.#answers);
    const [first] = askAgain(disputed);
    if (first !== undefined) return { id: Number(first), why: 'differ' };
    const labelled = new Map<Reason, number>();
    let [answered, doubled, second] = [0, 0, -1];
    let more: { id: number; answers: number } | undefined;
    for (const [id, labels] of this.#labels) {
      answered++;
      if (labels.length > 1) doubled++;
      for (const reason of this.#windows.find(id)?.reasons ?? []) labelled.set(reason, (labelled.get(reason) ?? 0) + 1);
      if (!open(id)) continue;
      if (labels.length === 1) second = Math.max(second, id);
      if (!more || labels.length < more.answers) more = { id, answers: labels.length };
    }
    if (second >= 0 && doubled * secondShare < answered) return { id: second, why: 'second' };
    const fresh = this.#unlabelled(labelled, left);
    return fresh === undefined ? more && { id: more.id, why: 'more' } : { id: fresh, why: 'new' };
  }

  /** Returns the newest window of the reason that has the fewest labelled ones; `asked` comes first. */
  #unlabelled(labelled: ReadonlyMap<Reason, number>, left: (id: number) => boolean): number | undefined {
    const count = (reason: Reason) => (reason === 'asked' ? -1 : (labelled.get(reason) ?? 0));
    for (const reason of reasons.toReversed().sort((a, b) => count(a) - count(b))) {
      let newest: number | undefined;
      for (const { id } of this.#windows.unlabelledOf(reason)) if (!left(id)) newest = id;
      if (newest !== undefined) return newest;
    }
    return undefined;
  }

  #said = (annotator: string, id: number): boolean => this.#labels.get(id)?.some((one) => one.annotator === annotator) ?? false;
  #answers = (id: number): Answer[] => answersOf(`${id}`, this.#labels.get(id) ?? [], this.#names());

  /** Returns what is left for an annotator: windows without a label, or with differing ones. */
  async progress(annotator: string) {
    await this.#load();
    let [answered, disputed, others] = [0, 0, 0];
    for (const id of this.#labels.keys()) {
      if (this.#said(annotator, id)) answered++;
      else if (this.#disputed.has(id)) disputed++;
      else others++;
    }
    const hidden = [...this.#unreadable].filter((id) => this.#windows.find(id)?.labelled === false).length;
    const left = this.#windows.unlabelled - hidden + disputed;
    return { left, answered, disputed, others, unreadable: this.#unreadable.size };
  }

  /** Returns how far annotators agree on the newest labelled windows, and what their answers cost. */
  async agreement() {
    await this.#load();
    const newest = [...this.#labels.keys()].sort((a, b) => a - b).slice(-maxCompared);
    const answers = newest.flatMap(this.#answers);
    const disputed = newest.filter((id) => this.#disputed.has(id));
    return {
      windows: newest.length,
      annotators: costs(answers),
      pairs: agreements(answers)
        .sort((a, b) => b.windows - a.windows)
        .slice(0, maxPairs),
      disputed: disputed.length,
      disputes: disputed.slice(-maxDisputes).map((id) => ({ window: id, labels: this.#labels.get(id) })),
    };
  }

  /** Returns the labels of at most `limit` labelled windows with a number above `after`. */
  async list(after: number, limit: number) {
    await this.#load();
    const ids = [...this.#labels.keys()].filter((id) => id > after).sort((a, b) => a - b);
    return ids.slice(0, limit).map((id) => ({ window: id, labels: this.#labels.get(id) as readonly Label[] }));
  }
}

export type AgreementJson = Awaited<ReturnType<Questions['agreement']>>;
export type WindowLabels = Awaited<ReturnType<Questions['list']>>[number];
/** What became of labels that were sent at once. `full`: the window has too many. */
export interface SentLabels {
  stored: number;
  missing: number;
  full: number;
}
