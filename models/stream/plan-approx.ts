/**
 * Plans of mode approx: each hop is computed alone, and its rows join those of earlier hops in a buffer.
 *
 * In: a draft and its trunk.  Out: the plan, in which no step is exact. Error: RN206.
 * Source: StreamiNNC section 1.2 and rules R1, R3, R7.
 */
import { RunletError } from '../error.ts';
import { viewOf } from '../graph/view.ts';
import { slidingLength } from '../ops/op.ts';
import { type Draft, noDelay, type Trunk, withSteps } from './draft.ts';
import { buildSteps } from './steps.ts';
import type { StreamPlan, TensorLayout } from './types.ts';

/**
 * Checks the layers and the hop.
 * @throws RunletError RN206 if a layer does not make the rows of a hop from this hop alone
 */
function checkApprox({ graph, options, window, hop, clock }: Draft, { nodes, timing }: Trunk): void {
  const view = viewOf(graph);
  const time = hop * clock.units;
  const fail = (what: string, why: string, where?: string) => {
    throw new RunletError('RN206', { what, ...(where && { where }), why, tryThis: 'mode stream, or edge-exact' });
  };
  if (window % hop !== 0)
    fail(
      `the window of ${window} frames is not a multiple of the hop ${hop}`,
      'mode approx joins whole hops (StreamiNNC rule R1)',
    );
  if (options.microHop !== undefined && options.microHop !== hop)
    fail(
      `micro-hop ${options.microHop} differs from the hop ${hop}`,
      'mode approx pads both ends of what it computes at once, which has to be a hop (StreamiNNC rule R3)',
    );
  for (const node of nodes) {
    const rule = view.rule(node);
    const jump = timing.get(node.inputs[0] as number)?.jump ?? 1;
    if (rule.kind !== 'window') continue;
    const rows = slidingLength(time / jump, rule.kernel, rule.stride, rule.dilation, rule.pad);
    const rate = time / jump / rule.stride;
    const whole = view.rows(node.output) * jump * rule.stride === window * clock.units;
    if (rows < rate || !whole)
      fail(
        `a hop of ${time / jump} rows gives ${rows} rows, but ${rate} are needed`,
        'mode approx needs padded layers that keep the length, or pools as long as their stride (StreamiNNC rule R7)',
        node.name,
      );
  }
}

/** Makes the plan. @throws RunletError RN206 */
export function planApprox(draft: Draft, trunk: Trunk): StreamPlan {
  checkApprox(draft, trunk);
  const { graph, hop, clock } = draft;
  const { rows } = viewOf(graph);
  const tensors = new Map<number, TensorLayout>();
  for (const [id, t] of trunk.timing) {
    const newRows = (hop * clock.units) / t.jump;
    const historyRows = trunk.boundary.has(id) ? rows(id) - newRows : 0;
    const place = { windowRows: rows(id), newRows, historyRows, windowFirstRow: 0, rowStep: 1 };
    tensors.set(id, { ...t, lead: 0, lookAhead: 0, tensor: id, ...place });
  }
  const planned = { ...draft, microHop: hop, alignment: trunk.alignment, ...noDelay, tensors };
  const steps = buildSteps(planned, trunk.nodes, rows);
  return withSteps(
    planned,
    steps.map((s) => ({ ...s, exact: false })),
  );
}
