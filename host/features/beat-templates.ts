/**
 * Waves of beats, and a few templates of one patient that they are held against.
 *
 * In: the signal (mV) as it comes; the sample of each beat.  Out: the beat's wave, its template, and how like
 * each template it is.
 *
 * A wave is 55 samples without their mean, around the beat's sample or up to 12 before or after. It is like a
 * template by 2ab / (aa + bb) at the best of the 25 shifts. From 0.8 on it joins the most alike, a mean over
 * its first 8 waves that each further one moves by 1/8; otherwise it takes the place of the template with the
 * least weight, its largest value in the middle. A weight is the beats of a template, each worth 1/300 less
 * with every beat after it.
 * Source: this project's own rule; models/zoo/ecg/kinds.py has the same.
 * Cost: some 10,000 multiply-adds a beat; a ring of 512 samples and six templates.
 */
const [half, lag] = [27, 12];
const length = 2 * half + 1;
const pieceLength = length + 2 * lag;
const [templates, enoughAlike] = [6, 0.8];
const kept = 512;

export interface Template {
  readonly wave: Float64Array;
  weight: number;
  /** How like it the beat at hand is at the best shift, and that shift; the best correlation of any shift. */
  alike: number;
  shift: number;
  correlation: number;
}

export interface Joined<T> {
  readonly template: T;
  readonly isNew: boolean;
  /** The sample that the wave is around. */
  readonly place: number;
}

export function energyOf(wave: Float64Array): number {
  let sum = 0;
  for (const v of wave) sum += v * v;
  return sum;
}

/** The one of all with the largest value, the first of equals. */
export const largest = <T>(all: readonly T[], value: (t: T) => number): T =>
  all.reduce((best, t) => (value(t) > value(best) ? t : best), all[0] as T);

/** The piece of the signal around a beat, and the wave that a shift cuts from it. */
class Piece {
  /** The wave of the latest shift, without its mean. */
  readonly wave = new Float64Array(length);
  readonly #ring = new Float64Array(kept);
  readonly #piece = new Float64Array(pieceLength);
  #seen = 0;

  /** Takes the next samples of the signal. */
  push(samples: ArrayLike<number>): void {
    for (let n = 0; n < samples.length; n++) this.#ring[this.#seen++ % kept] = samples[n] as number;
  }

  /** Reads the piece around a sample; what is not kept any more, or not there yet, is 0. */
  read(sample: number): void {
    for (let n = 0; n < pieceLength; n++) {
      const at = sample - half - lag + n;
      const isKept = at >= 0 && at < this.#seen && at >= this.#seen - kept;
      this.#piece[n] = isKept ? (this.#ring[at % kept] as number) : 0;
    }
  }

  /** Sets `wave` to that of a shift, without its mean. */
  cut(shift: number): Float64Array {
    const { wave } = this;
    let sum = 0;
    for (let n = 0; n < length; n++) sum += this.#piece[shift + n] as number;
    for (let n = 0; n < length; n++) wave[n] = (this.#piece[shift + n] as number) - sum / length;
    return wave;
  }

  /** The shift whose middle is furthest from the mean. */
  get peakShift(): number {
    const mean = this.#piece.reduce((a, b) => a + b, 0) / pieceLength;
    const shifts = Array.from({ length: 2 * lag + 1 }, (_, n) => n);
    return largest(shifts, (shift) => Math.abs((this.#piece[half + shift] as number) - mean));
  }
}

/** Holds a wave against a template. @param size energy of the wave; templateSize: that of the template */
function compare(t: Template, wave: Float64Array, shift: number, size: number, templateSize: number): void {
  let product = 0;
  for (let n = 0; n < length; n++) product += (wave[n] as number) * (t.wave[n] as number);
  t.correlation = Math.max(t.correlation, product / Math.sqrt(size * templateSize + 1e-9));
  const alike = (2 * product) / (size + templateSize + 1e-9);
  if (t.weight > 0 && alike > t.alike) [t.alike, t.shift] = [alike, shift];
}

/** Moves a template to a wave: all the way where the wave is its first. */
function move(t: Template, wave: Float64Array): void {
  const rate = t.weight < 8 ? 1 / t.weight : 1 / 8;
  for (let n = 0; n < length; n++) {
    const before = t.wave[n] as number;
    t.wave[n] = before + rate * ((wave[n] as number) - before);
  }
}

/** @param state what else a template has, at the start. */
export function beatTemplates<S>(state: () => S) {
  const piece = new Piece();
  const all = Array.from({ length: templates }, (): Template & S => {
    return { ...state(), wave: new Float64Array(length), weight: 0, alike: -1, shift: 0, correlation: 0 };
  });

  /** Holds the piece against every template at every shift. */
  function compareAll(): void {
    for (const t of all) [t.alike, t.correlation] = [-1, -Infinity];
    const sizes = all.map((t) => energyOf(t.wave));
    for (let shift = 0; shift <= 2 * lag; shift++) {
      const size = energyOf(piece.cut(shift));
      for (const [k, t] of all.entries()) compare(t, piece.wave, shift, size, sizes[k] as number);
    }
  }

  return {
    all: all as readonly (Template & S)[],
    /** The wave of the beat at hand. */
    wave: piece.wave as Float64Array,
    /** Takes the next samples of the signal. */
    push: (samples: ArrayLike<number>): void => piece.push(samples),
    /** The beat at a sample, and the template that it joins or becomes. */
    join(sample: number): Joined<Template & S> {
      piece.read(sample);
      compareAll();
      for (const t of all) t.weight *= 1 - 1 / 300;
      const closest = largest(all, (t) => t.alike);
      const isNew = closest.alike < enoughAlike;
      const template = isNew ? largest(all, (t) => -t.weight) : closest;
      const shift = isNew ? piece.peakShift : template.shift;
      template.weight = isNew ? 1 : template.weight + 1;
      move(template, piece.cut(shift));
      return { template, isNew, place: sample - lag + shift };
    },
  };
}
