/**
 * Compares the waves of beats with a few templates of one patient.
 *
 * In: the signal (mV) in order; the sample of each beat.  Out: the beat's wave, its template, and its
 * similarity to each template.
 *
 * A wave is 55 samples minus their mean, centred up to 12 samples before or after the beat's sample. Its
 * similarity to a template is 2ab / (aa + bb) at the best of the 25 shifts. From 0.8 on the wave joins the
 * most similar template: the mean of its first 8 waves, which each further wave moves by 1/8. Otherwise it
 * replaces the template with the lowest weight, shifted so that its largest value is in the middle. The
 * weight of a template is its number of beats; each counts 1/300 less with every later beat.
 * Source: this project's own rule; models/zoo/ecg/kinds.py has the same.
 * Cost: about 10,000 multiply-adds per beat; a ring of 512 samples and six templates.
 */
const [half, lag] = [27, 12];
const length = 2 * half + 1;
const pieceLength = length + 2 * lag;
const [templates, minAlike] = [6, 0.8];
const kept = 512;

export interface Template {
  readonly wave: Float64Array;
  weight: number;
  /** Similarity of the present beat at the best shift, that shift, and the best correlation at any shift. */
  alike: number;
  shift: number;
  correlation: number;
}

export interface Joined<T> {
  readonly template: T;
  readonly isNew: boolean;
  /** Sample at the centre of the wave. */
  readonly place: number;
}

export function energyOf(wave: Float64Array): number {
  let sum = 0;
  for (const v of wave) sum += v * v;
  return sum;
}

/** Item with the largest value; the first of equal ones. */
export const largest = <T>(all: readonly T[], value: (t: T) => number): T =>
  all.reduce((best, t) => (value(t) > value(best) ? t : best), all[0] as T);

/** The piece of the signal around a beat, from which a shift cuts a wave. */
class Piece {
  /** Wave of the latest shift, minus its mean. */
  readonly wave = new Float64Array(length);
  readonly #ring = new Float64Array(kept);
  readonly #piece = new Float64Array(pieceLength);
  #seen = 0;

  /** Takes the next samples of the signal. */
  push(samples: ArrayLike<number>): void {
    for (let n = 0; n < samples.length; n++) this.#ring[this.#seen++ % kept] = samples[n] as number;
  }

  /** Reads the piece around a sample; samples that are overwritten or not yet pushed are 0. */
  read(sample: number): void {
    for (let n = 0; n < pieceLength; n++) {
      const at = sample - half - lag + n;
      const isKept = at >= 0 && at < this.#seen && at >= this.#seen - kept;
      this.#piece[n] = isKept ? (this.#ring[at % kept] as number) : 0;
    }
  }

  /** Cuts the wave of a shift into `wave`, minus its mean. */
  cut(shift: number): Float64Array {
    const { wave } = this;
    let sum = 0;
    for (let n = 0; n < length; n++) sum += this.#piece[shift + n] as number;
    for (let n = 0; n < length; n++) wave[n] = (this.#piece[shift + n] as number) - sum / length;
    return wave;
  }

  /** The shift whose middle sample is furthest from the mean. */
  get peakShift(): number {
    const mean = this.#piece.reduce((a, b) => a + b, 0) / pieceLength;
    const shifts = Array.from({ length: 2 * lag + 1 }, (_, n) => n);
    return largest(shifts, (shift) => Math.abs((this.#piece[half + shift] as number) - mean));
  }
}

/** Compares a wave with a template. @param size energy of the wave. @param templateSize energy of `t`. */
function compare(t: Template, wave: Float64Array, shift: number, size: number, templateSize: number): void {
  let product = 0;
  for (let n = 0; n < length; n++) product += (wave[n] as number) * (t.wave[n] as number);
  t.correlation = Math.max(t.correlation, product / Math.sqrt(size * templateSize + 1e-9));
  const alike = (2 * product) / (size + templateSize + 1e-9);
  if (t.weight > 0 && alike > t.alike) [t.alike, t.shift] = [alike, shift];
}

/** Moves a template towards a wave; its first wave replaces it. */
function move(t: Template, wave: Float64Array): void {
  const rate = t.weight < 8 ? 1 / t.weight : 1 / 8;
  for (let n = 0; n < length; n++) {
    const before = t.wave[n] as number;
    t.wave[n] = before + rate * ((wave[n] as number) - before);
  }
}

/** Makes the templates of one patient. @param state initial values of further fields of a template. */
export function beatTemplates<S>(state: () => S) {
  const piece = new Piece();
  const all = Array.from({ length: templates }, (): Template & S => {
    return { ...state(), wave: new Float64Array(length), weight: 0, alike: -1, shift: 0, correlation: 0 };
  });

  /** Compares the piece with every template at every shift. */
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
    /** Wave of the present beat. */
    wave: piece.wave as Float64Array,
    /** Takes the next samples of the signal. */
    push: (samples: ArrayLike<number>): void => piece.push(samples),
    /** Adds the beat at a sample to the template that it joins or becomes. */
    join(sample: number): Joined<Template & S> {
      piece.read(sample);
      compareAll();
      for (const t of all) t.weight *= 1 - 1 / 300;
      const closest = largest(all, (t) => t.alike);
      const isNew = closest.alike < minAlike;
      const template = isNew ? largest(all, (t) => -t.weight) : closest;
      const shift = isNew ? piece.peakShift : template.shift;
      template.weight = isNew ? 1 : template.weight + 1;
      move(template, piece.cut(shift));
      return { template, isNew, place: sample - lag + shift };
    },
  };
}
