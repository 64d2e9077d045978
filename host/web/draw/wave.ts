/**
 * The signal as one trace per channel: the envelope from minimum to maximum, one column per pixel.
 *
 * In: a scene.  Out: pixels.  Each trace has its own scale. Sound is scaled to the loudest sample in view, at
 * least 0.05 of full scale; other signals from their minimum to their maximum.
 */
import { type Brush, gutterText, type Scene } from './lane.ts';

/** Maximum number of traces; more cannot be told apart. */
export const maxTraces = 16;

/** Part of a lane for one trace. */
interface Band {
  channel: number;
  top: number;
  height: number;
}

/** Range of the buckets in view. */
function inView({ history: { wave, bucketS }, view }: Scene): [from: number, to: number] {
  const from = Math.max(wave.first, Math.floor(view.startS / bucketS));
  return [from, Math.min(wave.end, Math.ceil((view.startS + view.spanS) / bucketS))];
}

/** Minimum and maximum of a channel in view. */
function rangeOf(scene: Scene, channel: number): [low: number, high: number] {
  const { wave } = scene.history;
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  const [from, to] = inView(scene);
  for (let i = from; i < to; i++) {
    low = Math.min(low, wave.at(i, 2 * channel));
    high = Math.max(high, wave.at(i, 2 * channel + 1));
  }
  return [low, high];
}

/** Returns the function from a channel's value to its y position. */
function scaleOf(scene: Scene, { channel, top, height }: Band, sound: boolean): (value: number) => number {
  let [low, high] = rangeOf(scene, channel);
  if (sound) {
    const peak = Math.max(0.05, Math.abs(low), Math.abs(high));
    [low, high] = Number.isFinite(peak) ? [-peak, peak] : [-1, 1];
  } else if (!(high > low)) [low, high] = Number.isFinite(low) ? [low - 1, low + 1] : [-1, 1];
  const room = Math.min(4, height / 10);
  return (value) => top + room + ((high - value) / (high - low)) * (height - 2 * room);
}

function drawTrace(brush: Brush, scene: Scene, band: Band, sound: boolean): void {
  const { context, width, gutter, x, ratio } = brush;
  const { history, view, palette } = scene;
  const { wave, bucketS } = history;
  const { channel, top, height } = band;
  const y = scaleOf(scene, band, sound);
  context.strokeStyle = palette.line;
  context.lineWidth = 1;
  context.beginPath();
  const middle = sound ? Math.round(top + height / 2) + 0.5 : Math.round(top + height) - 0.5;
  context.moveTo(gutter, middle);
  context.lineTo(width, middle);
  context.stroke();
  const [from, to] = inView(scene);
  if (to <= from) return;

  context.fillStyle = palette.wave;
  context.strokeStyle = palette.wave;
  if (!sound && x(bucketS) - x(0) > 0.8) {
    context.beginPath();
    context.lineWidth = 1.5;
    context.lineJoin = 'round';
    for (let i = from; i < to; i++) context.lineTo(Math.max(gutter, x((i + 0.5) * bucketS)), y(wave.at(i, 2 * channel + 1)));
    context.stroke();
    return;
  }
  // one column per device pixel
  const pixels = Math.round((width - gutter) * ratio);
  const bucketAt = (pixel: number) => Math.floor((view.startS + (pixel / pixels) * view.spanS) / bucketS);
  for (let pixel = 0; pixel < pixels; pixel++) {
    const first = bucketAt(pixel);
    if (first < from || first >= to) continue;
    const end = Math.min(to, Math.max(first + 1, bucketAt(pixel + 1)));
    let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    // starts at the preceding bucket, so that neighbouring columns touch
    for (let k = Math.max(first - 1, wave.first); k < end; k++) {
      low = Math.min(low, wave.at(k, 2 * channel));
      high = Math.max(high, wave.at(k, 2 * channel + 1));
    }
    const above = y(high);
    context.fillRect(gutter + pixel / ratio, above, 1 / ratio, Math.max(1 / ratio, y(low) - above));
  }
}

/** Draws all traces. @param names names of the channels, at most `maxTraces`. */
export function drawWaves(brush: Brush, scene: Scene, names: string[], sound: boolean): void {
  const height = brush.height / names.length;
  names.forEach((name, channel) => {
    const band = { channel, top: channel * height, height };
    drawTrace(brush, scene, band, sound);
    gutterText(brush, name, band.top + height / 2, scene.palette.soft);
  });
}
