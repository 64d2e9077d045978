/**
 * One request, one answer, over a line that loses, repeats and changes bytes.
 *
 * In: a port, requests.  Out: answers, or RN882 when none came.  A window of one frame: the device's flash
 * stands still while it erases, and what arrives then is lost. A request goes out again when its time is over
 * (doubled each time, up to eightfold) or as soon as the device says that it saw a broken frame; all requests
 * may be carried out twice. After two silent times the console is asked again to listen.
 */

import { RunletError } from '../../../models/error.ts';
import { append } from '../../../models/lists.ts';
import { encodeFrame, type Frame, FrameReader } from './frame.ts';
import { type Answer, answersTo, type Request, readAnswer, requestTypes } from './message.ts';

/** A line of bytes, such as a serial port. */
export interface SerialPort {
  write(bytes: Uint8Array): void;
  /** Called once: with bytes as they come, and with the reason when no more will come. */
  listen(onBytes: (bytes: Uint8Array) => void, onEnd: (reason: string) => void): void;
  close(): void | Promise<void>;
}

export interface ExchangeOptions {
  /** Milliseconds to wait for an answer before a request is sent again, beside the time on the line. */
  answerMs?: number;
  bitsPerSecond?: number;
  /** Times without an answer before RN882. */
  tries?: number;
  /** What is sent to have the device listen; a console's command. */
  wake?: string;
  /** The device's log, and whatever else is no frame. */
  onText?: (text: string) => void;
}

export class Exchange {
  /** Requests that were sent again. */
  repeats = 0;
  readonly #port: SerialPort;
  readonly #options: Required<ExchangeOptions>;
  readonly #reader = new FrameReader();
  #sequence = Math.floor(Math.random() * 0x10000);
  #ended: string | undefined;
  /** Frames that came and were not looked at: several may come at once. */
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

  /** Has the console listen for frames. */
  wake(): void {
    this.#port.write(new TextEncoder().encode(this.#options.wake));
  }

  /** @param factor of the time for an answer. @throws RN882 none came, or the line is closed */
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
      why: this.#ended ?? `${silent} times nothing came, ${broken} times it saw a broken frame`,
      tryThis: 'the right port and speed, no other program on it (such as idf.py monitor), firmware with the command flash',
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
