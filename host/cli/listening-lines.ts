/**
 * Formats the events of models that take sound: text on a terminal, JSON to a pipe.
 *
 * In: the events of a Listener.  Out: the lines since the last `take`, the words of each model, and whether
 * the limit is reached.
 */
import { maxOf } from '../../models/lists.ts';
import { blockedLine, type Colours, heardLine } from '../report/listening.ts';
import type { Detection, ListenerEvents, ListeningModel } from '../session/index.ts';
import { shortFloat } from './drive.ts';

export interface LineOptions {
  models: readonly ListeningModel[];
  /** True for lines of text, false for JSON. */
  onTerminal: boolean;
  colours: Colours;
  /** Maximum number of words (for models without a detector, of outputs). */
  limit: number;
  /** True for a line for every output, also of models with a detector. */
  scores?: boolean;
}

const seconds = (timeMs: number): number => Number((timeMs / 1000).toFixed(4));
const timeText = (timeMs: number): string => `${seconds(timeMs).toFixed(2)} s`.padStart(10);

export class ListeningLines implements ListenerEvents {
  /** Number of detections of each word, by model. */
  readonly words = new Map<ListeningModel, Record<string, number>>();
  readonly #options: LineOptions;
  #found = 0;
  #lines = '';

  constructor(options: LineOptions) {
    this.#options = options;
  }

  /** Checks whether the limit is reached. */
  get isFull(): boolean {
    return this.#found >= this.#options.limit;
  }

  /** Returns the lines since the last call. */
  take(): string {
    const text = this.#lines;
    this.#lines = '';
    return text;
  }

  heard(model: ListeningModel, { label, timeMs, probability }: Detection): void {
    const { limit, colours } = this.#options;
    if (this.#found++ >= limit) return;
    const count = this.words.get(model) ?? {};
    count[label] = (count[label] ?? 0) + 1;
    this.words.set(model, count);
    const value = { timeS: seconds(timeMs), heard: label, probability: Number(probability.toFixed(4)), model: model.name };
    this.#add(heardLine(label, timeMs, probability, colours), value);
  }

  blocked({ name, detector }: ListeningModel, timeMs: number): void {
    const label = detector?.candidate?.label ?? name;
    const probability = Number((detector?.mean ?? 0).toFixed(4));
    const value = { timeS: seconds(timeMs), noVoice: label, probability, model: name };
    this.#add(blockedLine(label, timeMs, probability, this.#options.colours), value);
  }

  voice({ name }: ListeningModel, active: boolean, timeMs: number): void {
    const { onTerminal, models } = this.#options;
    if (onTerminal && models.length > 1) return;
    const value = { timeS: seconds(timeMs), voice: active, model: name };
    this.#add(`${timeText(timeMs)}  voice ${active ? 'begins' : 'ends'}`, value);
  }

  output({ name, session, detector, labels }: ListeningModel, timeMs: number): void {
    if (!(this.#options.scores || !detector) || this.isFull) return;
    if (!detector) this.#found++;
    const values = Array.from(session.output(detector?.output), shortFloat);
    const best = labels && labels.length === values.length ? labels[values.indexOf(maxOf(values))] : undefined;
    const value = { timeS: seconds(timeMs), n: session.outputIndex, output: values, label: best, model: name };
    this.#add(`${timeText(timeMs)}  ${name}  ${best ?? ''} ${values.join(' ')}`, value);
  }

  #add(text: string, value: object): void {
    this.#lines += this.#options.onTerminal ? `${text}\n` : `${JSON.stringify(value)}\n`;
  }
}
