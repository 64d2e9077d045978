/**
 * Reads the sources of a model with several inputs in parallel, on one clock.
 *
 * In: the inputs, and the user's sources: one per input, in their order or as `name=source`, or one .npz with
 * an array per input.
 * Out: one source. Its chunks hold the frames of each input for the same whole ticks. It ends when the first
 * of its sources ends.
 */

import { isRunletError, RunletError } from '../../models/error.ts';
import { minOf } from '../../models/lists.ts';
import { openSource } from './index.ts';
import { checkRate, chunkFrames, type Source, type SourceOptions } from './source.ts';

export interface InputOf {
  name: string;
  /** Number of elements in a frame, and number of frames per tick. */
  elements: number;
  rate: number;
}

/** Returns the source of each input, in the order of the inputs. @throws RN741 */
export function specsOf(inputs: readonly InputOf[], given: readonly string[]): string[] {
  const names = inputs.map((i) => i.name);
  const fail = (what: string): never => {
    throw new RunletError('RN741', {
      what,
      where: given.join(' '),
      why: `the model has ${inputs.length} inputs: ${names.join(', ')}`,
      tryThis: 'one source per input, in this order or each as name=source, or one .npz with an array per input',
    });
  };
  if (given.length !== inputs.length) fail(`${given.length} source${given.length === 1 ? '' : 's'} for ${inputs.length} inputs`);
  const named = new Map<string, string>();
  const others: string[] = [];
  for (const spec of given) {
    const name = names.find((n) => spec.startsWith(`${n}=`));
    if (name === undefined) others.push(spec);
    else if (named.has(name)) fail(`two sources for input ${name}`);
    else named.set(name, spec.slice(name.length + 1));
  }
  const specs = names.map((name) => named.get(name) ?? (others.shift() as string));
  if (specs.filter((s) => s === '-').length > 1) fail('standard input can be read by one input only');
  return specs;
}

async function open(input: InputOf, spec: string, options: SourceOptions, fromArchive: boolean): Promise<Source> {
  const { sampleRateHz } = options;
  try {
    return await openSource(spec, {
      ...options,
      frameElements: input.elements,
      ...(sampleRateHz !== undefined && { sampleRateHz: sampleRateHz * input.rate }),
      ...(fromArchive && { array: input.name }),
    });
  } catch (error) {
    if (!isRunletError(error) || error.code !== 'RN733' || !fromArchive) throw error;
    throw new RunletError('RN733', { ...error.parts, tryThis: `an array for every input, under its name: ${input.name}` });
  }
}

/** Opens a source for each input. `options.sampleRateHz` is in ticks per second. @throws RN720 to RN741 */
export async function openEach(
  inputs: readonly InputOf[],
  given: readonly string[],
  options: Omit<SourceOptions, 'frameElements'>,
): Promise<Source[]> {
  const [first = ''] = given;
  const fromArchive = given.length === 1 && inputs.length > 1 && /\.npz$/i.test(first);
  const specs = fromArchive ? inputs.map(() => first) : specsOf(inputs, given);
  const sources: Source[] = [];
  for (const [i, input] of inputs.entries())
    sources.push(await open(input, specs[i] as string, { ...options, frameElements: input.elements }, fromArchive));
  return sources;
}

/** Opens all sources as one; the rate of the result is in ticks per second. @throws RN720 to RN741 */
export async function openSeveral(
  inputs: readonly InputOf[],
  given: readonly string[],
  options: Omit<SourceOptions, 'frameElements'>,
): Promise<Source<Float32Array[]>> {
  const sources = await openEach(inputs, given, options);
  let rateHz = options.sampleRateHz;
  for (const [i, { sampleRateHz }] of sources.entries()) {
    const { rate, name } = inputs[i] as InputOf;
    if (sampleRateHz === undefined) continue;
    rateHz ??= sampleRateHz / rate;
    checkRate(`input ${name}`, sampleRateHz, rateHz * rate);
  }
  const ticks = sources.map(({ totalFrames }, i) => Math.floor((totalFrames ?? Number.NaN) / (inputs[i] as InputOf).rate));
  const known = ticks.every((n) => !Number.isNaN(n));
  return {
    frames: together(inputs, sources),
    describe: sources.map((s, i) => `${inputs[i]?.name}: ${s.describe}`).join('; '),
    ...(known && { totalFrames: minOf(ticks) }),
    ...(rateHz !== undefined && { sampleRateHz: rateHz }),
    ...(sources[0]?.names && { names: sources[0].names }),
  };
}

/** Buffer of frames that were read from one source and not yet passed on. */
class Pending {
  readonly perTick: number;
  #frames: AsyncIterator<Float32Array>;
  #rest = new Float32Array(0);

  constructor(source: Source, perTick: number) {
    this.perTick = perTick;
    this.#frames = source.frames[Symbol.asyncIterator]();
  }

  /** Reads until there is a whole tick; returns false if the source ends before that. */
  async fill(): Promise<boolean> {
    while (this.#rest.length < this.perTick) {
      const { value, done } = await this.#frames.next();
      if (done) return false;
      const all = new Float32Array(this.#rest.length + value.length);
      all.set(this.#rest);
      all.set(value, this.#rest.length);
      this.#rest = all;
    }
    return true;
  }

  get ticks(): number {
    return Math.floor(this.#rest.length / this.perTick);
  }

  take(ticks: number): Float32Array {
    const part = this.#rest.slice(0, ticks * this.perTick);
    this.#rest = this.#rest.subarray(ticks * this.perTick);
    return part;
  }
}

async function* together(inputs: readonly InputOf[], sources: readonly Source[]): AsyncGenerator<Float32Array[]> {
  const all = sources.map((source, i) => new Pending(source, (inputs[i] as InputOf).elements * (inputs[i] as InputOf).rate));
  for (;;) {
    for (const pending of all) if (!(await pending.fill())) return;
    const ticks = Math.min(chunkFrames, minOf(all.map((p) => p.ticks)));
    yield all.map((p) => p.take(ticks));
  }
}
