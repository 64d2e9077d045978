/**
 * Colours of the canvases from the page's light or dark style sheet (host/report/design/palette.ts).
 *
 * In: custom properties of the root element.  Out: CSS colours; the colour ramp of the features as 256
 * pixels.
 */
import { series } from '../report/design/palette.ts';

export interface Palette {
  paper: string;
  ink: string;
  soft: string;
  line: string;
  faint: string;
  wave: string;
  accent: string;
  truth: string;
  bad: string;
  /** Colours of the words, in the order of the labels. */
  words: string[];
  /** Pixel 0xAABBGGRR for each loudness from 0 to 255. */
  ramp: Uint32Array;
}

const hex = (colour: string): [number, number, number] => {
  const value = Number.parseInt(colour.trim().slice(1), 16);
  return [value >> 16, (value >> 8) & 255, value & 255];
};

/** Interpolates between equally spaced colours. @returns 256 pixels for a little-endian machine */
function rampOf(stops: [number, number, number][]): Uint32Array {
  return Uint32Array.from({ length: 256 }, (_, i) => {
    const x = (i / 255) * (stops.length - 1);
    const k = Math.min(stops.length - 2, Math.floor(x));
    const [from, to] = [stops[k], stops[k + 1]] as [[number, number, number], [number, number, number]];
    const mixed = from.map((v, c) => Math.round(v + (x - k) * ((to[c] as number) - v)));
    return (0xff000000 | ((mixed[2] as number) << 16) | ((mixed[1] as number) << 8) | (mixed[0] as number)) >>> 0;
  });
}

export function readPalette(): Palette {
  const style = getComputedStyle(document.documentElement);
  const read = (name: string) => style.getPropertyValue(`--${name}`).trim();
  const list = (name: string) => read(name).split(/\s+/);
  return {
    paper: read('paper'),
    ink: read('ink'),
    soft: read('soft'),
    line: read('line'),
    faint: read('faint'),
    wave: read('wave'),
    accent: read('accent'),
    truth: read('truth'),
    bad: read('bad'),
    words: series.map(read),
    ramp: rampOf(list('ramp').map(hex)),
  };
}
