/**
 * GatedStream: a stream that computes an output only if it is wanted. Its outputs equal byte for byte those
 * of a session that computes all of them.
 *
 * In: frames of the signal in pieces of any length, and at every output whether it is wanted.
 * Out: the wanted outputs, with the same numbers. Error: RN777 if the model carries a state.
 * Rule: frames are quantised and kept in a ring. When output n is wanted, the module takes the frames since
 * its latest output. If it slept for longer than output n reaches back, it is reset first and begins with the
 * earliest frame on which output n depends, (n - warmUpHops) * hop. It never takes a frame that a session
 * would not take, so it never computes more hops than a session.
 * Memory: keptFrames frames as stored values, allocated once. Source: docs/abi.md, "Time".
 */
import { keptFramesOf, restartFrames } from '../../assembly/bundle/timing.ts';
import { RunletError } from '../../models/error.ts';
import { StreamClock } from './clock.ts';
import { type Signal, ticksIn } from './frames.ts';
import type { Frames } from './kinds.ts';
import { type Stored, storedZeros } from './open.ts';
import { Quantiser } from './quantise.ts';
import type { Session } from './session.ts';

/** Work of a gated stream since it began. Frames are ticks if the model has several inputs. */
export interface GatedCount {
  /** Outputs that were wanted, and outputs that were not. */
  wanted: number;
  unwanted: number;
  /** Frames that the module took. A session takes all frames of the signal. */
  framesRun: number;
  /** Times that an output was wanted after one that was not. */
  wakeUps: number;
  /** Frames that the module took at wake-ups, in addition to the hop of the wanted output. */
  catchUpFrames: number;
  /** Largest number of such frames at one wake-up. */
  longestCatchUp: number;
}

/** Checks that a model may sleep. @throws RN777 */
export function checkMaySleep({ name, carriesState }: { name: string; carriesState?: boolean }): void {
  if (!carriesState) return;
  throw new RunletError('RN777', {
    what: 'this model cannot sleep behind a gate',
    where: name,
    why: 'its outputs depend on all frames since the start: a state is carried from frame to frame',
    tryThis: 'use it as the gate, or gate a model without such a state; take rows of a shared front end if it estimates noise',
  });
}

export class GatedStream {
  readonly session: Session;
  /** Frames in the ring; ticks if the model has several inputs. */
  readonly keptFrames: number;
  readonly keptBytes: number;
  #clock: StreamClock;
  #rings: Stored[]; // one per input, stored values [keptFrames * rate][f][c]
  #quantisers: Quantiser[];
  #preRoll: number;
  #restart: number;
  #asleep = false;
  #count: GatedCount = { wanted: 0, unwanted: 0, framesRun: 0, wakeUps: 0, catchUpFrames: 0, longestCatchUp: 0 };

  /**
   * @param session session of the model. Only this stream pushes into it; it is reset.
   * @param preRoll number of outputs before a wanted one that are computed too after a sleep (default 0).
   * @throws RN777 if the model carries a state.
   */
  constructor(session: Session, preRoll = 0) {
    const { manifest } = session;
    checkMaySleep(manifest);
    this.session = session;
    this.#preRoll = preRoll;
    this.#restart = restartFrames(manifest);
    this.#clock = new StreamClock(manifest);
    this.keptFrames = keptFramesOf(manifest, preRoll);
    this.#rings = manifest.inputs.map((port) => storedZeros(port, this.keptFrames * (port.rate ?? 1) * port.elements));
    this.keptBytes = this.#rings.reduce((sum, ring) => sum + ring.byteLength, 0);
    this.#quantisers = manifest.inputs.map((port) => new Quantiser(port));
    session.reset();
  }

  /** Clock of a session that computes every output. */
  get clock(): StreamClock {
    return this.#clock;
  }

  get count(): Readonly<GatedCount> {
    return this.#count;
  }

  /** Begins a new signal. The counts continue. */
  reset(): void {
    this.#asleep = false;
    this.#clock.begin(0);
    this.session.reset();
  }

  /**
   * Takes any number of frames.
   * @param isWanted called at every output that is due: true computes it.
   * @param onOutput receives the index of each computed output, in order. Read the output in this call.
   * `early` is true for outputs before the wanted one, which were due during the sleep.
   * @throws RN706, RN708, RN709 (the rest of the frames is not consumed), RN710
   */
  push(frames: Signal, isWanted: () => boolean, onOutput: (index: number, early: boolean) => void): void {
    const clock = this.#clock;
    const parts: Frames[] = [];
    const count = ticksIn(this.session.manifest.inputs, frames, parts);
    for (let from = 0, take = 0; from < count; from += take) {
      const at = clock.framesPushed % this.keptFrames;
      take = Math.min(count - from, clock.framesLeft, this.keptFrames - at);
      this.#keep(parts, from, take, at);
      clock.advance(take, 0);
      if (clock.framesLeft > 0) continue;
      clock.advance(0, 1);
      if (isWanted()) this.#compute(onOutput);
      else this.#sleep();
    }
  }

  /** Quantises frames [from, from + count) into the ring at position `at`. */
  #keep(parts: readonly Frames[], from: number, count: number, at: number): void {
    const to = this.#kept(at, count);
    for (const [i, quantiser] of this.#quantisers.entries()) {
      const rate = quantiser.port.rate ?? 1;
      quantiser.write(parts[i] as Frames, from * rate, count * rate, to[i] as Stored);
    }
  }

  /** Returns views of `count` frames of the ring, from position `at` on, one for each input. */
  #kept(at: number, count: number): Stored[] {
    return this.session.manifest.inputs.map(({ rate = 1, elements }, i) => {
      const frame = rate * elements;
      return (this.#rings[i] as Stored).subarray(at * frame, (at + count) * frame);
    });
  }

  #sleep(): void {
    this.#asleep = true;
    this.#count.unwanted++;
  }

  /** Computes the output that is due, and after a sleep those before it. */
  #compute(onOutput: (index: number, early: boolean) => void): void {
    const { session, keptFrames } = this;
    const { hop, warmUpHops } = session.manifest;
    const { outputIndex, framesPushed } = this.#clock;
    const needed = (outputIndex - this.#preRoll - warmUpHops) * hop;
    const start = Math.floor(needed / this.#restart) * this.#restart;
    if (start > session.framesPushed) {
      session.reset();
      session.clock.skipTo(start);
    }
    this.#counted(framesPushed - session.framesPushed);
    while (session.framesPushed < framesPushed) {
      const at = session.framesPushed % keptFrames;
      const take = Math.min(hop, framesPushed - session.framesPushed, keptFrames - at);
      if (session.pushInt8(this.#kept(at, take))) onOutput(session.outputIndex, session.outputIndex < outputIndex);
    }
  }

  #counted(frames: number): void {
    const count = this.#count;
    count.wanted++;
    count.framesRun += frames;
    if (!this.#asleep) return;
    this.#asleep = false;
    const more = Math.max(0, frames - this.session.hop);
    count.wakeUps++;
    count.catchUpFrames += more;
    count.longestCatchUp = Math.max(count.longestCatchUp, more);
  }
}
