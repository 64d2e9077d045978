/**
 * The lines of an edge step: the left edge of window n + ahead, the right edge of window n, and what joins them to the interior.
 *
 * In: an emitted edge step and the memory map.  Out: lines of `edges()`.  Source: models/stream/reuse.ts.
 */
import type { StreamPlan } from '../../models/stream/types.ts';
import { leftAddress, type MemoryMap, windowAddress } from './memory.ts';
import { isRanged } from './ops/op.ts';
import type { EmittedStep } from './pack.ts';

/** Left edges and accumulators feed later windows, so they are computed before output 0 as well. */
export const runsEveryHop = (plan: StreamPlan): boolean => plan.steps.some((s) => s.section === 'edge');

const callLine = (calls: EmittedStep['calls'], first: number, rows: number): string[] =>
  calls.map((c) => `  ${c.fn}(${c.block}${isRanged(c) ? `, ${first}, ${rows}` : ''});`);

export function edgeLines(map: MemoryMap, { step, calls, left: leftCalls }: EmittedStep): string[] {
  const { work, output, interior: stream } = step;
  const trunk = map.trunk.get(output);
  if (!work || !trunk || !stream) return [];
  const { plan, frameBytes } = trunk;
  const row = (at: number) => trunk.address + (plan.windowFirstRow + at) * frameBytes;
  const lines: string[] = [];
  const interior = (to: number, from: number, rows: number) => {
    if (rows <= 0) return;
    const pitch = plan.rowStep * frameBytes;
    lines.push(
      plan.rowStep === 1
        ? `  move_s8(${to}, ${from}, ${rows * frameBytes}); // interior`
        : `  gather_s8(${to}, ${from}, ${rows}, ${frameBytes}, ${pitch}); // interior, one phase of ${plan.rowStep}`,
    );
  };

  const leftRow = map.lefts.get(output);
  if (work.left && leftRow !== undefined) {
    const { computed, rows } = work.left;
    if (computed > 0) lines.push(...callLine(leftCalls, 0, computed));
    interior(leftRow + computed * frameBytes, row(computed * plan.rowStep + stream.shift), rows - computed);
  }
  const at = windowAddress(map, output);
  const ownBuffer = map.windows.has(output) || map.outputs.has(output);
  if (work.window && ownBuffer) {
    const { first, right } = work.window;
    const from = Math.max(first, stream.edge.left);
    interior(at + from * frameBytes, row(from * plan.rowStep), plan.windowRows - right - from);
    if (right > 0) lines.push(...callLine(calls, plan.windowRows - right, right));
  }
  if (work.spliced > 0) {
    const bytes = work.spliced * frameBytes;
    const queue = map.queues.get(output);
    const from = leftRow ?? leftAddress(map, output, stream.shift);
    if (!queue) lines.push(`  move_s8(${at}, ${from}, ${bytes}); // left edge`);
    else {
      const slot = `${queue.address} + (phase % ${queue.slots}) * ${queue.slotBytes}`;
      lines.push(`  move_s8(${at}, ${slot}, ${bytes}); // left edge, computed ${queue.slots} windows ago`);
      lines.push(`  move_s8(${slot}, ${from}, ${bytes});`);
    }
  }
  return lines;
}
