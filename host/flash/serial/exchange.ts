/**
 * Exchange: sends a request and waits for its answer, over a line that may lose, repeat and change bytes.
 *
 * In: a port, requests.  Out: answers.  Errors: RN882.
 * Rule: only one frame is in flight, because the device receives nothing while it erases its flash. A request
 * is sent again after a timeout (doubled each time, up to eightfold), or as soon as the device reports a
 * broken frame; the device may execute every request twice. After two timeouts the console is told again to
 * listen.
 */

import { RunletError } from '../../../models/error.ts';
import { append } from '../../../models/lists.ts';
import { encodeFrame, type Frame, FrameReader } from './frame.ts';
import { type Answer, answersTo, type Request, readAnswer, requestTypes } from './message.ts';

/** A line of bytes, such as a serial port. */
export interface SerialPort {
  write(bytes: Uint8Array): void;
  /** Sets the listeners, once: for bytes as they arrive, and for the end of the line, with its reason. */
  listen(onBytes: (bytes: Uint8Array) => void, onEnd: (reason: string) => void): void;
  close(): void | Promise<void>;
}

export interface ExchangeOptions {
  /** Timeout of an answer, in milliseconds, in addition to the time on the line (default 1000). */
  answerMs?: number;
  bitsPerSecond?: number;
  /** Number of timeouts before RN882 (default 8). */
  tries?: number;
  /** Console command that makes the device listen for frames. */
  wake?: string;
  /** Gets all text that is not a frame, such as the device's log. */
  onText?: (text: string) => void;
}

export class Exchange {
  /** Number of requests that were sent again. */
  repeats = 0;
  readonly #port: SerialPort;
  readonly #options: Required<ExchangeOptions>;
  readonly #reader = new FrameReader();
  #sequence = Math.floor(Math.random() * 0x10000);
  #ended: string | undefined;
  /** Frames that have arrived and were not processed yet. */
  #inbox: Frame[] = [];
  #onChange: () => void = () => {};

  constructor(port: SerialPort, options: ExchangeOptions = {}) {
    const { answerMs = 1000, bitsPerSecond = 115_200, tries = 8, wake = '\nflash\n', onText = () => {} } = options;
    this.#port = port;
    this.#options = { answerMs, bitsPerSecond, tries, wake, onText };
    port.listen(
      (bytes) => {
        const { frames, text } = this.#reader.push(bytes);
        if (text) this.#options.onText(text);
        append(this.#inbox, frames);
        if (frames.length > 0) this.#onChange();
      },
      (reason) => {
        this.#ended = reason;
        this.#onChange();
      },
    );
  }

  /** Tells the console to listen for frames. */
  wake(): void {
    this.#port.write(new TextEncoder().encode(this.#options.wake));
  }

  /** Sends a request. @param factor for the timeout. @throws RN882 if there is no answer or no line */
  async ask(request: Request, payload: Uint8Array = new Uint8Array(), factor = 1): Promise<Answer> {
    const { answerMs, bitsPerSecond, tries } = this.#options;
    this.#sequence = (this.#sequence + 1) & 0xffff;
    const sequence = this.#sequence;
    this.#inbox = [];
    const line = encodeFrame({ type: requestTypes[request], sequence, payload });
    const onceMs = answerMs * factor + (line.length * 10 * 1000) / bitsPerSecond;
    let [silent, broken] = [0, 0];
    while (silent < tries && broken < 8 * tries && this.#ended === undefined) {
      if (silent + broken > 0) this.repeats++;
      if (silent >= 2) this.wake();
      this.#port.write(line);
      const answer = await this.#next(request, sequence, onceMs * 2 ** Math.min(silent, 3));
      if (answer === 'broken') broken++;
      else if (answer) return answer;
      else silent++;
    }
    throw new RunletError('RN882', {
      what: 'the device does not answer',
      where: `request ${request}`,
      why: this.#ended ?? `${silent} times there was no answer, ${broken} times it received a broken frame`,
      tryThis: 'check port and speed, end other programs on it (such as idf.py monitor), and use firmware with the command flash',
    });
  }

  #next(request: Request, sequence: number, waitMs: number): Promise<Answer | 'broken' | undefined> {
    return new Promise((resolve) => {
      const settle = (answer?: Answer | 'broken') => {
        clearTimeout(timer);
        this.#onChange = () => {};
        resolve(answer);
      };
      const timer = setTimeout(settle, waitMs);
      this.#onChange = () => {
        for (let frame = this.#inbox.shift(); frame; frame = this.#inbox.shift()) {
          const fits = answersTo(frame, request, sequence);
          if (fits === 'broken') return settle('broken');
          const answer = fits ? readAnswer(frame.payload) : undefined;
          if (answer) return settle(answer);
        }
        if (this.#ended !== undefined) settle();
      };
      this.#onChange();
    });
  }
}
