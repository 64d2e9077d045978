/**
 * The instructions of an edge step: the left edge of window n + ahead, the right edge of window n, and the
 * copies that join them to the interior.
 *
 * In: an emitted edge step and buffers.  Out: instructions of the section `edges`.  Source:
 * models/stream/edge/reuse.ts.
 */
import { append } from '../../models/lists.ts';
import { type Buffers, leftAddress, windowAddress } from './buffers.ts';
import { callInstruction, type Instruction } from './instruction.ts';
import type { EmittedStep } from './pack.ts';

export function edgeInstructions(buffers: Buffers, { step, calls, left: leftCalls }: EmittedStep): Instruction[] {
  const { output } = step;
  const trunk = buffers.trunk.get(output);
  const stream = trunk?.plan.stream;
  if (!stream) return [];
  const { plan, frameBytes } = trunk;
  const row = (at: number) => trunk.address + (plan.windowFirstRow + at) * frameBytes;
  const found: Instruction[] = [];
  const interior = (to: number, from: number, rows: number) => {
    if (rows <= 0) return;
    const pitch = plan.rowStep * frameBytes;
    found.push(
      plan.rowStep === 1
        ? { do: 'move', to, from, bytes: rows * frameBytes, note: 'interior' }
        : { do: 'gather', to, from, rows, bytes: frameBytes, pitch, note: `interior, one phase of ${plan.rowStep}` },
    );
  };

  const leftRow = buffers.lefts.get(output);
  if (stream.leftEdge && leftRow !== undefined) {
    const { computed, rows } = stream.leftEdge;
    if (computed > 0)
      append(
        found,
        leftCalls.map((call) => callInstruction(call, 0, computed)),
      );
    interior(leftRow + computed * frameBytes, row(computed * plan.rowStep + stream.shift), rows - computed);
  }
  const at = windowAddress(buffers, output);
  const hasBuffer = buffers.windows.has(output) || (buffers.outputs.has(output) && !buffers.copied.has(output));
  if (stream.window && hasBuffer) {
    const { first, right } = stream.window;
    const from = Math.max(first, stream.left);
    interior(at + from * frameBytes, row(from * plan.rowStep), plan.windowRows - right - from);
    if (right > 0)
      append(
        found,
        calls.map((call) => callInstruction(call, plan.windowRows - right, right)),
      );
  }
  if (stream.spliced > 0) {
    const bytes = stream.spliced * frameBytes;
    const queue = buffers.queues.get(output);
    const from = leftRow ?? leftAddress(buffers, output, stream.shift);
    const to = buffers.splices.get(output) ?? at;
    if (!queue) found.push({ do: 'move', to, from, bytes, note: 'left edge' });
    else {
      found.push({ do: 'move', to, from: queue, bytes, note: `left edge, computed ${queue.slots} windows ago` });
      found.push({ do: 'move', to: queue, from, bytes });
    }
  }
  return found;
}
