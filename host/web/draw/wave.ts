/**
 * The waveform: the envelope between least and greatest sample, one stroke a pixel.
 *
 * In: a scene.  Out: pixels.  The height is that of the loudest sample in view, but not less than a twentieth of full scale for sound; another
 * signal goes from its least to its greatest value.
 */
import type { Brush, Scene } from './lane.ts';

/** Least and greatest of the buckets in view. */
function rangeOf({ history, view }: Scene): [low: number, high: number] {
  const { wave, bucketS } = history;
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  const from = Math.max(wave.first, Math.floor(view.startS / bucketS));
  const to = Math.min(wave.end, Math.ceil((view.startS + view.spanS) / bucketS));
  for (let i = from; i < to; i++) {
    low = Math.min(low, wave.at(i, 0));
    high = Math.max(high, wave.at(i, 1));
  }
  return [low, high];
}

export function drawWave(brush: Brush, scene: Scene, sound: boolean): void {
  const { context, width, height, gutter, x, ratio } = brush;
  const { history, view, palette } = scene;
  const { wave, bucketS } = history;
  let [low, high] = rangeOf(scene);
  if (sound) {
    const peak = Math.max(0.05, Math.abs(low), Math.abs(high));
    [low, high] = Number.isFinite(peak) ? [-peak, peak] : [-1, 1];
  } else if (!(high > low)) [low, high] = [low - 1, low + 1];
  const y = (value: number) => 4 + ((high - value) / (high - low)) * (height - 8);
  context.strokeStyle = palette.line;
  context.lineWidth = 1;
  context.beginPath();
  const middle = sound ? Math.round(height / 2) + 0.5 : height - 0.5;
  context.moveTo(gutter, middle);
  context.lineTo(width, middle);
  context.stroke();
  if (wave.end === wave.first || !Number.isFinite(low)) return;

  const bucketPx = x(bucketS) - x(0);
  context.fillStyle = palette.wave;
  context.strokeStyle = palette.wave;
  const from = Math.max(wave.first, Math.floor(view.startS / bucketS));
  const to = Math.min(wave.end, Math.ceil((view.startS + view.spanS) / bucketS));
  if (!sound && bucketPx > 0.8) {
    context.beginPath();
    context.lineWidth = 1.5;
    context.lineJoin = 'round';
    for (let i = from; i < to; i++) context.lineTo(Math.max(gutter, x((i + 0.5) * bucketS)), y(wave.at(i, 1)));
    context.stroke();
    return;
  }
  // a device pixel at a time
  const pixels = Math.round((width - gutter) * ratio);
  const bucketAt = (pixel: number) => Math.floor((view.startS + (pixel / pixels) * view.spanS) / bucketS);
  for (let pixel = 0; pixel < pixels; pixel++) {
    const first = bucketAt(pixel);
    if (first < from || first >= to) continue;
    const end = Math.min(to, Math.max(first + 1, bucketAt(pixel + 1)));
    let [least, greatest] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    // from the bucket before on, so that columns meet
    for (let k = Math.max(first - 1, wave.first); k < end; k++) {
      least = Math.min(least, wave.at(k, 0));
      greatest = Math.max(greatest, wave.at(k, 1));
    }
    const top = y(greatest);
    context.fillRect(gutter + pixel / ratio, top, 1 / ratio, Math.max(1 / ratio, y(least) - top));
  }
}
