/** Streams that share an instance (Session.sibling): each gives a separate session's outputs. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { build } from '../../assembly/build.ts';
import { openSession, type Session } from '../../host/session/index.ts';
import { planStream } from '../../models/stream/plan.ts';
import { quantPlan } from '../../quant/plan.ts';
import { tinyEdge, tinyInputs, tinyStream } from '../stages/tiny-networks.ts';
import { codeOf, randomOf } from './helpers.ts';

const seed = Number(process.env.RUNLET_SEED ?? Math.floor(Math.random() * 1e6));

/** Returns the outputs of a session after a due call. */
const outputsOf = (session: Session): number[] => session.manifest.outputs.flatMap((_, which) => [...session.outputRaw(which)]);

/** Makes the call number `pick` on a session. @returns the outputs that were due */
function call(session: Session, pick: number, frames: Int8Array[], other: Uint8Array): string {
  const ticks = (frames[0] as Int8Array).length / session.frameElements;
  if (pick === 0) {
    session.reset();
    return 'reset';
  }
  if (pick <= 2) {
    const found: string[] = [];
    session.gap(ticks + 3, pick === 1 ? 'hold' : 'zero', (n) => found.push(`${n}: ${outputsOf(session)}`));
    return found.join('; ');
  }
  if (pick === 3) session.restore(other);
  const due = session.pushInt8(frames.length === 1 ? (frames[0] as Int8Array) : frames);
  return due ? `${session.outputIndex}: ${outputsOf(session)}` : 'not due';
}

for (const [name, graph, hop] of [
  ['stream', tinyStream(), 12],
  ['edge-exact, four phases', tinyEdge(), 3],
  ['two inputs', tinyInputs(), 1],
] as const)
  test(`${name}: four streams in one instance, 600 calls in random order`, async () => {
    const random = randomOf(seed);
    const { wasm } = await build(quantPlan(planStream(graph, { hop })));
    const open = () => openSession(wasm as BufferSource);
    const first = await open();
    const shared = [first, first.sibling(), first.sibling(), first.sibling()];
    const alone = await Promise.all(shared.map(open));
    let outputs = 0;
    for (let n = 0; n < 600; n++) {
      const which = random(4);
      const [a, b] = [shared[which] as Session, alone[which] as Session];
      const ticks = 1 + random(hop);
      const frames = first.manifest.inputs.map(({ elements, rate = 1 }) =>
        Int8Array.from({ length: ticks * rate * elements }, () => random(256) - 128),
      );
      // a snapshot of any stream, from the shared instance and from its own
      const from = random(4);
      const [x, y] = [(shared[from] as Session).snapshot(), (alone[from] as Session).snapshot()];
      assert.equal(x, y, `call ${n}: snapshots of stream ${from}, seed ${seed}`);
      const pick = random(40);
      const found = call(a, pick, frames, x);
      assert.is(found, call(b, pick, frames, y), `call ${n} to stream ${which}, seed ${seed}`);
      if (found.includes(':')) outputs++;
    }
    assert.ok(outputs > 20, `${outputs} outputs`);
  });

test('an output that a sibling has overwritten is refused, and is available again after the next one', async () => {
  const first = await openSession((await build(quantPlan(planStream(tinyStream(), { hop: 12 })))).wasm as BufferSource);
  const second = first.sibling();
  const frames = new Int8Array(24).fill(3);
  while (!first.pushInt8(frames));
  const kept = outputsOf(first);
  second.pushInt8(frames);
  assert.is(await codeOf(() => first.outputRaw()), 'RN711');
  assert.is(first.result(), undefined);
  assert.ok(first.pushInt8(frames));
  assert.is(outputsOf(first).length, kept.length);
});

test.run();
