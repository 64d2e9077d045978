/**
 * Sends a model image to a device over a serial line: transfer, verification, trial and confirmation.
 *
 * In: the image, a port.  Out: the state of the device afterwards.  Errors: RN882 to RN891.
 * Rule: an interrupted transfer continues at its offset. The device identifies the image by its SHA-256, and
 * its age by the sequence number in the bundle. After any failure, the device runs its old image
 * (docs/serial.md).
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
  /** Number of bytes that the device has. */
  sentBytes: number;
  imageBytes: number;
  /** Number of requests that were sent again. */
  repeats: number;
}

export interface FlashSerialOptions extends ExchangeOptions {
  /** Name of the model for people, up to 31 bytes. */
  name?: string;
  /** Last step: verified, on trial, or (default) confirmed. */
  until?: 'staged' | 'tried' | 'confirmed';
  /** Timeout of the restart and the self-test, in milliseconds (default 30,000). */
  trialMs?: number;
  onProgress?: (progress: SerialProgress) => void;
}

export interface FlashSerialResult {
  state: SlotStatus['state'];
  slot: number;
  sequence: number;
  digest: string;
  imageBytes: number;
  /** Number of bytes that the device had before this transfer. */
  resumedBytes: number;
  repeats: number;
}

/** Largest number of transfers of the whole image if the digest is wrong. A choice. */
const maxTransfers = 3;
/** Largest number of consecutive answers without progress. A choice. */
const maxIdleAnswers = 16;
/** Smallest number of image bytes in a frame, for the worst line. A choice. */
const minPieceBytes = 64;
const waitMs = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Sends an image to a device. The port stays open. @throws RN882 to RN891 */
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

  /** Returns the status of the slot with this image, if the image there can be used. */
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
      // bytes changed on the line (despite checksums) or in the flash, or another program started a transfer
      const again = [deviceCodes.digest, deviceCodes.other, deviceCodes.short].includes(code as -9);
      if (!again || n === maxTransfers) throw this.#error('end', { code, ...answer });
    }
  }

  async #begin(): Promise<void> {
    const { name = '' } = this.#options;
    const answer = await this.#retried('begin', beginPayload(this.#image.length, this.#digest, this.#sequence, name), 2);
    if (answer.code !== deviceCodes.ok) throw this.#error('begin', answer);
    this.#received = answer.receivedBytes;
    this.#resumed ??= answer.receivedBytes;
  }

  /** Sends missing bytes and the verification. Returns its answer, or one that ends the transfer early. */
  async #pieces(): Promise<Answer> {
    const capacity = Math.max(minPieceBytes, (this.#status?.dataBytes ?? 0) & ~3);
    let [pieceBytes, idle] = [capacity, 0];
    while (this.#received < this.#image.length) {
      this.#progress('send');
      const piece = this.#image.subarray(this.#received, this.#received + pieceBytes);
      const { repeats } = this.#exchange;
      const answer = await this.#retried('data', dataPayload(this.#digest, this.#received, piece));
      if (answer.code !== deviceCodes.ok && answer.code !== deviceCodes.offset) return answer;
      idle = answer.receivedBytes > this.#received ? 0 : idle + 1;
      if (idle > maxIdleAnswers) return { ...answer, code: deviceCodes.short };
      this.#received = answer.receivedBytes;
      // on a bad line, shorter frames are more likely to arrive without errors
      pieceBytes =
        this.#exchange.repeats > repeats + 1
          ? Math.max(minPieceBytes, (pieceBytes >> 1) & ~3)
          : Math.min(capacity, pieceBytes + minPieceBytes);
    }
    this.#progress('verify');
    return this.#exchange.ask('end', this.#digest, 5);
  }

  /** Sends a request, and repeats it up to three times if the flash fails. */
  async #retried(request: 'begin' | 'data', payload: Uint8Array, factor = 1): Promise<Answer> {
    for (let n = 0; ; n++) {
      const answer = await this.#exchange.ask(request, payload, factor);
      if (answer.code !== deviceCodes.io || n === 3) return answer;
    }
  }

  async #try(): Promise<void> {
    this.#progress('try');
    // if the device restarts before its answer arrives, it is already in the state `trying`
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
          ? 'it could not be opened, failed its self-test, or was not confirmed before the next start of the device'
          : `its self-test was not complete after ${trialMs / 1000} s`,
        tryThis: "see the device's log (--verbose); the device runs its old model",
      });
    }
  }

  async #confirm(): Promise<void> {
    this.#progress('confirm');
    const answer = await this.#exchange.ask('confirm', this.#digest, 2);
    if (answer.code !== deviceCodes.ok) throw this.#error('confirm', answer);
  }
}
