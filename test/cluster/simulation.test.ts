/**
 * The model of a cluster (scripts/cluster/simulation.ts) keeps the rules of leases: no partition ever has two
 * owners, each one has an owner again in time after a crash, and shares are bounded. A gateway that counts
 * its leases for longer than the broker breaks a rule, and the model says so.
 *
 * RUNLET_SEED changes the order of events. Times here are those of the model, not of a clock.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { seeded } from '../../quant/calibration/collect.ts';
import { Model, type ModelRules } from '../../scripts/cluster/simulation.ts';

const seed = Number(process.env.RUNLET_SEED ?? 20261202);
console.log(`  seed ${seed}`);
const rules: ModelRules = { partitions: 32, leaseMs: 3000, counted: 0.9, requestMs: [0.5, 3] };
const costs = { partitionMs: 20, streamMs: 2, messageMs: 0.3, messagesPerS: 2, recordMs: 5000 };
const gateways = 5;

/** Runs crashes, joins and leaves in a random order. @returns the model at rest */
function run(used: ModelRules, streams: number, n: number, each?: (model: Model) => void): Model {
  const model = new Model(used, costs, streams, seed + n);
  const random = seeded(seed - n);
  for (let i = 0; i < gateways; i++) model.join(`g${i}`);
  const go = (ms: number) => model.time.run(model.time.now + ms, () => each?.(model));
  go(3 * used.leaseMs);
  for (let round = 0; round < 12; round++) {
    const id = `g${Math.floor(random() * gateways)}`;
    if (model.gateways.has(id)) (random() < 0.6 ? model.crash : model.leave).call(model, id);
    go(used.leaseMs * (0.2 + 3 * random()));
    for (let i = 0; i < gateways; i++) if (!model.gateways.has(`g${i}`) && random() < 0.7) model.join(`g${i}`);
    go(used.leaseMs * random());
  }
  go(6 * used.leaseMs);
  return model;
}

test('a partition never has two owners, and at rest each one has one, within bounded shares', () => {
  for (let n = 0; n < 10; n++) {
    const twice: number[] = [];
    const model = run(rules, 1000, n, (one) => {
      const partition = n % rules.partitions;
      if (one.owners(partition).length > 1) twice.push(one.time.now);
    });
    assert.equal([model.broken, twice], [[], []]);
    for (let partition = 0; partition < rules.partitions; partition++)
      assert.is(model.owners(partition).length, 1, `run ${n}, partition ${partition}`);
    const most = Math.ceil((1.25 * rules.partitions) / model.gateways.size);
    for (const { partitions } of model.loads()) assert.ok(partitions <= most, `run ${n}: ${partitions} of ${most}`);
  }
});

test('after a crash, partitions have an owner within a lease, a turn, the watch for expiry, and requests', () => {
  const { leaseMs, requestMs } = rules;
  const mostMs = leaseMs + leaseMs / 3 + leaseMs / 50 + 4 * (requestMs[0] + requestMs[1]);
  for (let n = 0; n < 10; n++) {
    const model = new Model(rules, costs, 1000, seed + n);
    for (let i = 0; i < gateways; i++) model.join(`g${i}`);
    const go = (ms: number) => model.time.run(model.time.now + ms);
    go(3 * leaseMs + 100 * n);
    const before = model.taken.length;
    const lost = [...(model.gateways.get('g1')?.held.keys() ?? [])].sort();
    model.crash('g1');
    go(3 * leaseMs);
    const taken = model.taken.slice(before).filter(({ after }) => after === 'crash');
    assert.equal(taken.map(({ partition }) => partition).sort(), lost);
    for (const { ownedMs, resumedMs } of taken) {
      assert.ok(ownedMs <= mostMs, `${ownedMs} ms; ${mostMs} ms are enough`);
      assert.ok(resumedMs >= ownedMs);
    }
  }
});

/**
 * Runs one change in a cluster at rest. @returns the largest number of partitions without an owner at once
 */
function mostUnowned(gateways: number, n: number, change: (model: Model) => void): number {
  const model = new Model(rules, costs, 1000, seed + n);
  for (let i = 0; i < gateways; i++) model.join(`g${i}`);
  model.time.run(12 * rules.leaseMs + 100 * n);
  const all = Array.from({ length: rules.partitions }, (_, i) => i);
  const unowned = () => all.filter((partition) => model.owners(partition).length === 0).length;
  assert.is(unowned(), 0);
  let most = 0;
  change(model);
  model.time.run(model.time.now + 6 * rules.leaseMs, () => {
    most = Math.max(most, unowned());
  });
  assert.is(unowned(), 0);
  return most;
}

test('planned moves: one partition at a time from each gateway, also from one that leaves', () => {
  for (let n = 0; n < 10; n++) {
    // one is given back, the next one may be given back before it has begun elsewhere
    const left = mostUnowned(gateways, n, (model) => model.leave('g1'));
    assert.ok(left <= 2, `${left} partitions at once when a gateway left`);
    const joined = mostUnowned(2, n, (model) => model.join('guest'));
    assert.ok(joined <= 2, `${joined} partitions at once when a third gateway joined two`);
  }
});

test('the same seed gives the same run', () => {
  assert.equal(run(rules, 500, 3).taken, run(rules, 500, 3).taken);
});

test('a gateway that is cut off ends its leases in time; if it counts them for longer than the broker, the model says so', () => {
  const broken = (counted: number): string[] =>
    Array.from({ length: 10 }, (_, n) => {
      const model = new Model({ ...rules, counted }, costs, 1000, seed + n);
      for (let i = 0; i < gateways; i++) model.join(`g${i}`);
      model.time.run(3 * rules.leaseMs + 100 * n);
      const held = model.gateways.get('g1')?.held.size ?? 0;
      assert.ok(held > 0, 'it held nothing before it was cut off');
      model.cut('g1');
      model.time.run(model.time.now + 3 * rules.leaseMs);
      return model.broken;
    }).flat();
  assert.equal(broken(0.9), []);
  assert.ok(broken(1.5).length > 0, 'no rule was broken');
});

test.run();
