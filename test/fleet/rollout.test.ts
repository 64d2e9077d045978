/**
 * The rollout's state machine with random fleets, rules and outcomes: it touches no more than its waves,
 * stops at its limit, reverts every touched gateway, and ends.
 *
 * RUNLET_FLEET_ROLLOUTS is the number of rollouts (`npm run soak -- fleet`: 20,000).
 */
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  advance,
  allowedFailures,
  begin,
  failuresOf,
  isOver,
  parseLimit,
  parseWaves,
  type RolloutEvent,
  type RolloutOptions,
  type Step,
  touchedOf,
} from '../../host/gateway/fleet/rollout.ts';
import { codeOf } from '../host/helpers.ts';

const numRuns = Number(process.env.RUNLET_FLEET_ROLLOUTS ?? 2000);
const seed = Number(process.env.RUNLET_SEED ?? 20260723);
console.log(`seed ${seed}, ${numRuns} rollouts`);

test('waves are parsed as growing numbers of gateways', async () => {
  assert.equal(parseWaves('1,10%,50%,all', 50), [1, 5, 25, 50]);
  assert.equal(parseWaves('1,10%,50%,all', 4), [1, 2, 4]);
  assert.equal(parseWaves('1,10%,50%,all', 1), [1]);
  assert.equal(parseWaves('2, 33.3%', 10), [2, 4], 'the rest is not touched');
  assert.equal(parseWaves('5,3,7', 10), [5, 7]);
  for (const text of ['', '0', '-1', '1.5', '101%', '0%', 'all,', 'x', '1;2', '1e3'])
    assert.is(await codeOf(() => parseWaves(text, 50)), 'RN852', text);
});

test('limits are numbers or percentages of failures', async () => {
  assert.is(allowedFailures(parseLimit('3'), 1), 3);
  assert.is(allowedFailures(parseLimit('10%'), 9), 0);
  assert.is(allowedFailures(parseLimit('10%'), 10), 1);
  assert.is(allowedFailures(parseLimit('7%'), 100), 7);
  for (const text of ['', '-1', '1.5', '101%', 'all']) assert.is(await codeOf(() => parseLimit(text)), 'RN852', text);
});

const options = fc.record({
  sizes: fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 5 }),
  maxFailures: fc.oneof(
    fc.record({ count: fc.integer({ min: 0, max: 6 }) }),
    fc.record({ share: fc.double({ min: 0, max: 0.5, noNaN: true }) }),
  ),
  waveMs: fc.integer({ min: 1, max: 2000 }),
  settleMs: fc.integer({ min: 0, max: 500 }),
});
/** An event: its gateway, its kind, and the time since the last one. */
const happening = fc.record({
  which: fc.nat(80),
  what: fc.constantFrom(
    'good',
    'good',
    'good',
    'good',
    'good',
    'good',
    'good',
    'good',
    'bad',
    'back',
    'not back',
    'tick',
    'abort',
  ),
  laterMs: fc.nat(200),
});

type Rollout = Step['rollout'];

/** A rollout that is checked after every step. */
class Watched {
  rollout: Rollout;
  nowMs = 0;
  /** True once the rollout is reverted or being reverted. */
  stopped = false;
  readonly desired = new Map<string, 'next' | 'previous'>();
  readonly #options: RolloutOptions;

  constructor(ids: readonly string[], rules: RolloutOptions) {
    this.#options = rules;
    this.rollout = this.#take(begin(ids, rules, this.nowMs));
  }

  next(event: RolloutEvent): void {
    const before = this.rollout;
    this.rollout = this.#take(advance(before, event, this.#options, this.nowMs));
    if (this.rollout.wave > before.wave)
      for (const [id, { state, wave }] of before.members)
        if (wave !== undefined && wave <= before.wave)
          assert.not.equal(this.rollout.members.get(id)?.state, 'touched', `${state} when the next wave began`);
  }

  #take({ rollout, set }: Step): Rollout {
    const { waves, maxFailures } = this.#options;
    for (const { gateway, to } of set) {
      if (to === 'next') {
        assert.not(this.stopped, 'nobody is touched after a stop');
        assert.not(this.desired.has(gateway), 'each is touched once');
      } else assert.is(this.desired.get(gateway), 'next', 'only what was touched goes back');
      this.desired.set(gateway, to);
    }
    this.stopped ||= rollout.phase === 'reverting' || rollout.phase === 'stopped';
    const touched = touchedOf(rollout);
    assert.equal([...this.desired.keys()].sort(), touched.sort());
    assert.ok(touched.length <= (waves[Math.min(rollout.wave, waves.length - 1)] as number), 'no more than the wave');
    if (this.stopped)
      assert.ok(
        touched.every((id) => this.desired.get(id) === 'previous'),
        'all that were touched go back',
      );
    else assert.ok(failuresOf(rollout) <= allowedFailures(maxFailures, touched.length), 'the limit was passed unseen');
    return rollout;
  }
}

type Happening = { which: number; what: string; laterMs: number };

function happens(watched: Watched, { which, what, laterMs }: Happening): void {
  watched.nowMs += laterMs;
  const gateway = `g${which}`;
  if (what === 'tick') watched.next({ type: 'tick' });
  else if (what === 'abort') which === 7 && watched.next({ type: 'abort', why: 'by hand' });
  else if (what === 'back' || what === 'not back') watched.next({ type: 'back', gateway, ok: what === 'back' });
  else watched.next({ type: 'verdict', gateway, ok: what === 'good' });
}

/** Runs a rollout to its end: the remaining gateways succeed, or all are silent. */
function toTheEnd(watched: Watched, { waves, waveMs, settleMs }: RolloutOptions, silent: boolean): void {
  const left = (waves.length + 1) * 2 + 2;
  for (let tick = 0; tick < left && !isOver(watched.rollout); tick++) {
    if (!silent)
      for (const [gateway, { state }] of watched.rollout.members)
        if (state === 'touched') watched.next({ type: 'verdict', gateway, ok: true });
    watched.nowMs += Math.max(waveMs, settleMs);
    watched.next({ type: 'tick' });
  }
  assert.ok(isOver(watched.rollout), 'it ends');
}

test('every rule holds, whatever the gateways do', () => {
  let stops = 0;
  let ends = 0;
  let tolerated = 0;
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 60 }),
      options,
      fc.array(happening, { maxLength: 150 }),
      fc.boolean(),
      (gateways, rules, happenings, silent) => {
        const ids = Array.from({ length: gateways }, (_, i) => `g${i}`);
        const waves = parseWaves(rules.sizes.join(','), gateways);
        const all: RolloutOptions = { ...rules, waves };
        const watched = new Watched(ids, all);
        for (const one of happenings) happens(watched, one);
        toTheEnd(watched, all, silent);
        if (watched.stopped) stops++;
        else {
          ends++;
          assert.is(watched.desired.size, waves.at(-1));
          if (failuresOf(watched.rollout) > 0) tolerated++;
        }
        const end = watched.rollout;
        watched.next({ type: 'verdict', gateway: 'g0', ok: false });
        assert.is(watched.rollout, end, 'what is over stays so');
      },
    ),
    { numRuns, seed },
  );
  console.log(`${stops} stopped and went back, ${ends} went through, ${tolerated} of them with failures that are allowed`);
  assert.ok(stops > numRuns / 20 && ends > numRuns / 20 && tolerated > 0 && tolerated < ends, 'both were seen');
});

test('in a good rollout, one wave follows another after its time to settle', () => {
  const rules: RolloutOptions = { waves: [1, 3], maxFailures: { count: 0 }, waveMs: 1000, settleMs: 100 };
  let { rollout, set } = begin(['a', 'b', 'c'], rules, 0);
  assert.equal(set, [{ gateway: 'a', to: 'next' }]);
  ({ rollout, set } = advance(rollout, { type: 'verdict', gateway: 'a', ok: true }, rules, 10));
  assert.equal(set, []);
  ({ rollout, set } = advance(rollout, { type: 'tick' }, rules, 109));
  assert.equal(set, []);
  ({ rollout, set } = advance(rollout, { type: 'tick' }, rules, 110));
  assert.equal(
    set.map(({ gateway }) => gateway),
    ['b', 'c'],
  );
  for (const gateway of ['b', 'c']) ({ rollout, set } = advance(rollout, { type: 'verdict', gateway, ok: true }, rules, 120));
  ({ rollout, set } = advance(rollout, { type: 'tick' }, rules, 220));
  assert.is(rollout.phase, 'done');
});

test('a gateway that fails after its confirmation counts as failed, in its wave and in later ones', () => {
  const rules: RolloutOptions = { waves: [1, 3], maxFailures: { count: 0 }, waveMs: 1000, settleMs: 100 };
  let { rollout, set } = begin(['a', 'b', 'c'], rules, 0);
  ({ rollout } = advance(rollout, { type: 'verdict', gateway: 'a', ok: true }, rules, 10));
  ({ rollout } = advance(rollout, { type: 'tick' }, rules, 110));
  ({ rollout, set } = advance(rollout, { type: 'verdict', gateway: 'a', ok: false, code: 'RN831' }, rules, 120));
  assert.is(rollout.phase, 'reverting');
  assert.equal(
    set.map(({ gateway, to }) => `${gateway} ${to}`),
    ['a previous', 'b previous', 'c previous'],
  );
});

test('a failure is final, whatever the gateway reports afterwards', () => {
  const rules: RolloutOptions = { waves: [1, 3], maxFailures: { count: 1 }, waveMs: 1000, settleMs: 100 };
  let { rollout } = begin(['a', 'b', 'c'], rules, 0);
  ({ rollout } = advance(rollout, { type: 'verdict', gateway: 'a', ok: false, code: 'RN831' }, rules, 10));
  ({ rollout } = advance(rollout, { type: 'verdict', gateway: 'a', ok: true }, rules, 20));
  assert.equal([failuresOf(rollout), rollout.members.get('a')?.state], [1, 'failed']);
});

test.run();
