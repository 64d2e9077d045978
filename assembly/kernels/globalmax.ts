/**
 * globalmax: the largest value of each element over the window in int8, at once or as partial maxima per hop.
 *
 * In: X s8 [ROWS][X_ELEMENTS].  Out: Y s8 [COUNT]; element i of a row belongs to output i mod COUNT.
 * PARTIALS s8 [SLOTS][COUNT]: `accumulate` takes new rows into the current slot, `finish` takes the largest of all slots, `rotate` opens the
 * next one.  Exact in any order: quant/ops/globalmax.ts.
 */
import { COUNT, G_MAX, G_MIN, PARTIALS, ROWS, SLOT, SLOTS, X, X_ELEMENTS, Y } from "./block";
import { clamp } from "./fixed-point";
import { fill_s8 } from "./move";

function take(p: usize, to: usize): void {
  const count = load<i32>(p, COUNT);
  const n = load<i32>(p, ROWS) * load<i32>(p, X_ELEMENTS);
  for (let i: i32 = 0; i < n; i++) {
    const at = to + (i % count);
    store<i8>(at, max(<i32>load<i8>(at), <i32>load<i8>(load<i32>(p, X) + i)));
  }
}

function limit(p: usize): void {
  const y = load<i32>(p, Y);
  for (let i: i32 = 0; i < load<i32>(p, COUNT); i++) {
    store<i8>(y + i, clamp(<i32>load<i8>(y + i), load<i32>(p, G_MIN), load<i32>(p, G_MAX)));
  }
}

export function globalmax_s8(p: usize): void {
  const y = load<i32>(p, Y);
  fill_s8(y, -128, load<i32>(p, COUNT));
  take(p, y);
  limit(p);
}

export function globalmax_accumulate_s8(p: usize): void {
  take(p, load<i32>(p, PARTIALS) + load<i32>(load<i32>(p, SLOT)) * load<i32>(p, COUNT));
}

export function globalmax_finish_s8(p: usize): void {
  const count = load<i32>(p, COUNT);
  for (let i: i32 = 0; i < count; i++) {
    let best = -128;
    for (let s: i32 = 0; s < load<i32>(p, SLOTS); s++) best = max(best, <i32>load<i8>(load<i32>(p, PARTIALS) + s * count + i));
    store<i8>(load<i32>(p, Y) + i, best);
  }
  limit(p);
}

export function globalmax_rotate_s8(p: usize): void {
  const slot = load<i32>(p, SLOT);
  const next = (load<i32>(slot) + 1) % load<i32>(p, SLOTS);
  store<i32>(slot, next);
  fill_s8(load<i32>(p, PARTIALS) + next * load<i32>(p, COUNT), -128, load<i32>(p, COUNT));
}
