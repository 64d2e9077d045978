/**
 * The rows of the front end as a picture: time to the right, channels upwards, loudness as colour.
 *
 * In: a scene with int8 rows.  Out: pixels, one column per row. If there are more rows than columns, a pixel
 * shows the largest value of its rows.
 */
import type { Brush, Scene } from './lane.ts';

let tile: HTMLCanvasElement | undefined;

export function drawFeatures({ context, width, height, gutter, x, ratio }: Brush, { history, view, palette }: Scene): void {
  const { rows, rowS, rowOffsetS } = history;
  context.fillStyle = palette.faint;
  context.fillRect(gutter, 0, width - gutter, height);
  if (!rows || rows.end === rows.first) return;
  const channels = rows.width;
  // row i covers the step that ends with it
  const timeOf = (i: number) => i * rowS + rowOffsetS - rowS;
  const from = Math.max(rows.first, Math.floor((view.startS - rowOffsetS) / rowS));
  const to = Math.min(rows.end, Math.ceil((view.startS + view.spanS - rowOffsetS) / rowS) + 1);
  if (to <= from) return;
  const rowPx = (x(rowS) - x(0)) * ratio;
  const step = Math.max(1, Math.round(1 / rowPx));
  const first = from - (from % step);
  const columns = Math.ceil((to - first) / step);
  tile ??= document.createElement('canvas');
  if (tile.width < columns || tile.height !== channels)
    Object.assign(tile, { width: Math.max(columns, tile.width), height: channels });
  const image = new ImageData(columns, channels);
  const pixels = new Uint32Array(image.data.buffer);
  for (let column = 0; column < columns; column++) {
    const start = first + column * step;
    for (let c = 0; c < channels; c++) {
      let max = -128;
      for (let i = Math.max(start, from); i < Math.min(start + step, to); i++) max = Math.max(max, rows.at(i, c));
      pixels[(channels - 1 - c) * columns + column] = palette.ramp[max + 128] as number;
    }
  }
  const surface = tile.getContext('2d') as CanvasRenderingContext2D;
  surface.putImageData(image, 0, 0);
  context.save();
  context.beginPath();
  context.rect(gutter, 0, width - gutter, height);
  context.clip();
  context.imageSmoothingEnabled = rowPx < 1.5;
  const left = x(timeOf(first));
  context.drawImage(tile, 0, 0, columns, channels, left, 0, x(timeOf(first + columns * step)) - left, height);
  context.restore();
}
