/**
 * Runs a network as a layer table for one target, and on request also as compiled calls for another: outputs
 * and state must be equal.
 *
 * In: a QuantPlan, a signal and chunk sizes.  Out: each output that is due.  Memory that the module must not
 * depend on is poisoned.
 */
import * as assert from 'uvu/assert';
import { type Bundle, build } from '../../assembly/build.ts';
import { type Target, targets } from '../../assembly/emit/target.ts';
import type { Ints } from '../../models/graph/types.ts';
import type { QuantPlan } from '../../quant/plan.ts';
import type { Signals } from '../../quant/reference.ts';
import { differing, type Exports, instantiate, poisonMemory, pushAll, untouchedPastEnd } from './harness.ts';

/** Selects the networks that are also compiled: `count` of `total`, spread evenly. */
export function spread(count: number, total: number): (i: number) => boolean {
  const share = Math.min(1, count / total);
  return (i) => Math.floor((i + 1) * share) > Math.floor(i * share);
}

function start({ wasm, memory, weights }: Bundle): Exports {
  const exports = instantiate(wasm, weights);
  poisonMemory(exports, memory);
  exports.rn_reset();
  return exports;
}

const stateOf = (exports: Exports) => Buffer.from(exports.memory.buffer, exports.rn_state(), exports.rn_info(5));

let networks = 0;
/** Targets in turn; the two styles of one network use different ones. */
const target = (turn: number): Target => targets[turn % targets.length] as Target;

/** Yields the outputs in order. With `both`, two styles run in parallel and every output is compared. */
export async function* runStyles(quant: QuantPlan, signal: Signals, chunks: number[], both: boolean): AsyncGenerator<Ints[]> {
  const turn = networks++;
  // asc compiles in its own thread in the meantime
  const compiling = both ? build(quant, { style: 'calls', target: target(turn + 1) }) : undefined;
  const table = await build(quant, { style: 'table', kernels: 'every', target: target(turn) });
  const calls = await compiling;
  const exports = start(table);
  const other = calls && start(calls);
  const others = other && pushAll(other, quant, signal, chunks);
  const sameState = () => other && assert.ok(stateOf(exports).equals(stateOf(other)), 'state of both styles');
  if (calls) assert.is(calls.manifest.stateDigest, table.manifest.stateDigest);
  sameState();
  for (const outputs of pushAll(exports, quant, signal, chunks)) {
    if (others) assert.is(differing(outputs, others.next().value ?? []), 0, 'outputs of both styles');
    sameState();
    yield outputs;
  }
  if (others) assert.ok(others.next().done, 'number of outputs due in both styles');
  sameState();
  assert.ok(untouchedPastEnd(exports, table.memory), 'memory past the end is untouched');
  if (calls && other) assert.ok(untouchedPastEnd(other, calls.memory), 'memory past the end is untouched by calls');
}
