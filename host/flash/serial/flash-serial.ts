/**
 * A model image to a device over a serial line: sent, verified there, tried, confirmed.
 *
 * In: the image, a port.  Out: what the device runs then, or an error that says why not.  A transfer that was
 * cut off goes on where it was: the device knows the image by its SHA-256, and its age by the sequence number
 * in the bundle. Whatever fails, the device runs the image that it had (docs/serial.md).
 */
import { hexOf } from '../../../assembly/bundle/keys.ts';
import { RunletError } from '../../../models/error.ts';
import { deviceError } from './device-error.ts';
import { Exchange, type ExchangeOptions, type SerialPort } from './exchange.ts';
import {
  type Answer,
  beginPayload,
  type DeviceStatus,
  dataPayload,
  deviceCodes,
  helloPayload,
  type Request,
  type SlotStatus,
} from './message.ts';
import { sequenceOf } from './sequence.ts';

export interface SerialProgress {
  phase: 'hello' | 'send' | 'verify' | 'try' | 'confirm';
  /** Bytes that the device has. */
  sentBytes: number;
  imageBytes: number;
  /** Requests that had to be sent again. */
  repeats: number;
}

export interface FlashSerialOptions extends ExchangeOptions {
  /** For people; up to 31 bytes. */
  name?: string;
  /** How far to go: leave the image verified, or on trial; else to its confirmation. */
  until?: 'staged' | 'tried' | 'confirmed';
  /** Milliseconds for the device to start and pass its self-test. */
  trialMs?: number;
  onProgress?: (progress: SerialProgress) => void;
}

export interface FlashSerialResult {
  state: SlotStatus['state'];
  slot: number;
  sequence: number;
  digest: string;
  imageBytes: number;
  /** Bytes that were there already when this transfer began. */
  resumedBytes: number;
  repeats: number;
}

/** Transfers of the whole image before a digest that does not fit is an error. */
const mostTransfers = 3;
/** Answers in a row after which the device has no more bytes than before. */
const mostIdle = 16;
/** Bytes of an image in a frame on the worst of lines. */
const leastPiece = 64;
const waitMs = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** @throws RN882 to RN891; the port stays open */
export async function flashSerial(
  image: Uint8Array,
  port: SerialPort,
  options: FlashSerialOptions = {},
): Promise<FlashSerialResult> {
  const digest = new Uint8Array(await globalThis.crypto.subtle.digest('SHA-256', image.slice()));
  return new Transfer(image, digest, port, options).run();
}

class Transfer {
  readonly #image: Uint8Array;
  readonly #digest: Uint8Array;
  readonly #hex: string;
  readonly #exchange: Exchange;
  readonly #options: FlashSerialOptions;
  readonly #sequence: number;
  #status: DeviceStatus | undefined;
  #received = 0;
  #resumed: number | undefined;

  constructor(image: Uint8Array, digest: Uint8Array, port: SerialPort, options: FlashSerialOptions) {
    this.#image = image;
    this.#digest = digest;
    this.#hex = hexOf(digest);
    this.#sequence = sequenceOf(image);
    this.#exchange = new Exchange(port, options);
    this.#options = options;
  }

  async run(): Promise<FlashSerialResult> {
    const { until = 'confirmed' } = this.#options;
    await this.#hello();
    if (this.#known()?.state !== 'trying') await this.#send();
    if (until !== 'staged') await this.#try();
    if (until === 'confirmed') await this.#confirm();
    await this.#hello();
    const slots = this.#status?.slots ?? [];
    const slot = slots.findIndex(({ digest }) => digest === this.#hex);
    await this.#exchange.ask('bye').catch(() => undefined);
    return {
      state: slots[slot]?.state ?? 'broken',
      slot,
      sequence: slots[slot]?.sequence ?? this.#sequence,
      digest: this.#hex,
      imageBytes: this.#image.length,
      resumedBytes: this.#resumed ?? 0,
      repeats: this.#exchange.repeats,
    };
  }

  /** What the device knows of this image, while it is of use. */
  #known(): SlotStatus | undefined {
    return this.#status?.slots.find(
      ({ digest, state }) => digest === this.#hex && ['receiving', 'staged', 'trial', 'trying', 'confirmed'].includes(state),
    );
  }

  #error(request: Request, answer: Answer): RunletError {
    return deviceError({ request, answer, imageBytes: this.#image.length, status: this.#status, sequence: this.#sequence });
  }

  #progress(phase: SerialProgress['phase']): void {
    const { repeats } = this.#exchange;
    this.#options.onProgress?.({ phase, sentBytes: this.#received, imageBytes: this.#image.length, repeats });
  }

  async #hello(): Promise<Answer> {
    this.#progress('hello');
    this.#exchange.wake();
    const answer = await this.#exchange.ask('hello', helloPayload());
    if (!answer.status || answer.code !== deviceCodes.ok) throw this.#error('hello', answer);
    this.#status = answer.status;
    return answer;
  }

  async #send(): Promise<void> {
    for (let n = 1; ; n++) {
      await this.#begin();
      const { code, ...answer } = await this.#pieces();
      if (code === deviceCodes.ok) return;
      // bytes were changed on their way in spite of all checksums, or by the flash; or another program began
      // another image
      const again = [deviceCodes.digest, deviceCodes.other, deviceCodes.short].includes(code as -9);
      if (!again || n === mostTransfers) throw this.#error('end', { code, ...answer });
    }
  }

  async #begin(): Promise<void> {
    const { name = '' } = this.#options;
    const answer = await this.#retried('begin', beginPayload(this.#image.length, this.#digest, this.#sequence, name), 2);
    if (answer.code !== deviceCodes.ok) throw this.#error('begin', answer);
    this.#received = answer.receivedBytes;
    this.#resumed ??= answer.receivedBytes;
  }

  /**
   * All bytes that are missing, then the verification; its answer, or the first that says that it cannot go
   * on.
   */
  async #pieces(): Promise<Answer> {
    const room = Math.max(leastPiece, (this.#status?.dataBytes ?? 0) & ~3);
    let [most, idle] = [room, 0];
    while (this.#received < this.#image.length) {
      this.#progress('send');
      const piece = this.#image.subarray(this.#received, this.#received + most);
      const { repeats } = this.#exchange;
      const answer = await this.#retried('data', dataPayload(this.#digest, this.#received, piece));
      if (answer.code !== deviceCodes.ok && answer.code !== deviceCodes.offset) return answer;
      idle = answer.receivedBytes > this.#received ? 0 : idle + 1;
      if (idle > mostIdle) return { ...answer, code: deviceCodes.short };
      this.#received = answer.receivedBytes;
      // the shorter a frame, the more often it comes through a bad line whole
      most = this.#exchange.repeats > repeats + 1 ? Math.max(leastPiece, (most >> 1) & ~3) : Math.min(room, most + leastPiece);
    }
    this.#progress('verify');
    return this.#exchange.ask('end', this.#digest, 5);
  }

  /** A request, again where the flash failed. */
  async #retried(request: 'begin' | 'data', payload: Uint8Array, factor = 1): Promise<Answer> {
    for (let n = 0; ; n++) {
      const answer = await this.#exchange.ask(request, payload, factor);
      if (answer.code !== deviceCodes.io || n === 3) return answer;
    }
  }

  async #try(): Promise<void> {
    this.#progress('try');
    // a device that was quick has started again before its answer came through: then it is trying
    const answer = await this.#exchange.ask('try', this.#digest, 2);
    if (answer.code !== deviceCodes.ok) throw this.#error('try', answer);
    const { trialMs = 30_000 } = this.#options;
    for (const end = Date.now() + trialMs; ; ) {
      const { proven } = await this.#hello();
      const known = this.#known();
      if (known?.state === 'confirmed' || (known?.state === 'trying' && proven)) return;
      const rejected = !known;
      if (!rejected && Date.now() < end) {
        await waitMs(Math.min(250, trialMs / 10));
        continue;
      }
      if (!rejected) await this.#exchange.ask('revert', this.#digest);
      throw new RunletError('RN888', {
        what: 'the new model did not pass its trial',
        where: this.#options.name ?? 'model image',
        why: rejected
          ? 'the device started it, and it did not open, failed its self-test or was not confirmed before the next start'
          : `its self-test was not over after ${trialMs / 1000} s`,
        tryThis: "the device's log (--verbose); it runs the model that it had",
      });
    }
  }

  async #confirm(): Promise<void> {
    this.#progress('confirm');
    const answer = await this.#exchange.ask('confirm', this.#digest, 2);
    if (answer.code !== deviceCodes.ok) throw this.#error('confirm', answer);
  }
}
