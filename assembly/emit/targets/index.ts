/** Targets by name. */
import type { TargetParts } from '../ops/op.ts';
import type { Target } from '../target.ts';
import { interp } from './interp.ts';
import { native } from './native.ts';
import { relaxed } from './relaxed.ts';
import { simd } from './simd.ts';

export const targetParts: Record<Target, TargetParts> = { relaxed, simd, interp, native };
