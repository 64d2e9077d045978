/**
 * Devices of a cluster: streams that send their signal at its rate through NATS.
 *
 * In: a bundle, a signal.  Out: messages. A device sends a message again until the broker has it, as a device
 * with QoS 1 does.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { JetStreamClient } from '@nats-io/jetstream';
import { writeFrames } from '../../host/gateway/streams/wire.ts';
import type { Kind } from './prepare.ts';

export class Device {
  readonly name: string;
  readonly kind: Kind;
  /** Ticks that the broker has. */
  sent = 0;
  #subject: string;
  #start: number;

  constructor(kind: Kind, index: number, site: string, partitions: number) {
    this.kind = kind;
    this.name = `${kind.slot === 'main' ? '' : `${kind.slot}=`}s${index}`;
    this.#subject = `runlet.${site}.frames.${index % partitions}.${this.name}`;
    this.#start = 7919 * index;
  }

  frames = (from: number, to: number): Float32Array => {
    const { signal, elements } = this.kind;
    const length = signal.length / elements;
    const out = new Float32Array((to - from) * elements);
    for (let t = from; t < to; t++) {
      const at = ((this.#start + t) % length) * elements;
      out.set(signal.subarray(at, at + elements), (t - from) * elements);
    }
    return out;
  };

  /** Sends at the signal's rate times `speed` until `quit`. */
  async run(js: JetStreamClient, quit: AbortSignal, speed = 1): Promise<void> {
    const { rateHz, messageTicks } = this.kind;
    const begunMs = performance.now();
    while (!quit.aborted) {
      const { buffer } = this.frames(this.sent, this.sent + messageTicks);
      const message = writeFrames({
        from: this.sent,
        timestampMs: 1e12 + (1000 * this.sent) / rateHz,
        bytes: new Uint8Array(buffer),
      });
      const id = { msgID: `${this.name}/${this.sent}`, timeout: 2000 };
      while (!(await js.publish(this.#subject, message, id).catch(() => undefined))) await pause(100);
      this.sent += messageTicks;
      await pause(Math.max(0, begunMs + (1000 * this.sent) / (rateHz * speed) - performance.now()));
    }
  }
}
