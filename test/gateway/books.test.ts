/**
 * Intake from end to end: random messages, some wrong, give the outputs of the signal with filled gaps.
 * Every tick is counted, and nothing of a refused message is kept.
 *
 * Oracle: a separate session, fed tick by tick according to the rules of docs/streams.md.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Gateway } from '../../host/gateway/gateway.ts';
import { Intake, type IntakeOptions } from '../../host/gateway/streams/intake.ts';
import { openSession } from '../../host/session/index.ts';
import { codeOf } from '../host/helpers.ts';
import { type BundleOptions, bundleOf, bytesOf, expected, hop, keys, later, loop, signal } from './bundles.ts';
import { CrashDisk } from './crash-disk.ts';

const seed = Number(process.env.RUNLET_SEED ?? Date.now() % 1e6);
const numRuns = Number(process.env.RUNLET_BOOKS ?? 60);
console.log(`  RUNLET_SEED=${seed}, ${numRuns} signals`);

setFlagsFromString('--expose-gc');
const gc = runInNewContext('gc') as () => void;

const until = async (done: () => boolean): Promise<void> => {
  for (let wait = 0; !done(); wait++) {
    if (wait > 12_000) throw new Error('it does not come');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
};

const roomy = { maxWaitingHops: 1e6, maxLagMs: 1e6 };

/** Returns a gateway that runs one bundle in every slot. */
async function begun(options: BundleOptions = {}, slots = ['main'], maxStreams = 64) {
  const gateway = await Gateway.open(new CrashDisk(), {
    policy: { keys: [keys.publicKey] },
    pool: { threads: 1, budgetMs: 60_000 },
    maxStreams,
  });
  const bundle = await bundleOf(1, options);
  for (const slot of slots) {
    await gateway.receive(bundle.wasm, bundle.digest, slot);
    assert.is((await gateway.try(slot, { enduranceHops: 8 })).phase, 'confirmed');
  }
  return { gateway, wasm: bundle.wasm };
}

const fates = ['taken', 'taken', 'taken', 'taken', 'lost', 'NaN', 'torn', 'twice', 'far', 'foreign'] as const;
type Fate = (typeof fates)[number];
interface Sent {
  ticks: number;
  fate: Fate;
}

interface Rules {
  gap: 'hold' | 'zero' | 'reset';
  gapLimitTicks: number;
  numbered: boolean;
}

const sending = fc.record({
  first: fc.nat(1e6),
  messages: fc.array(fc.record({ ticks: fc.integer({ min: 1, max: hop }), fate: fc.constantFrom(...fates) }), {
    minLength: 1,
    maxLength: 60,
  }),
  rules: fc.record({
    gap: fc.constantFrom('hold' as const, 'zero' as const, 'reset' as const),
    gapLimitTicks: fc.integer({ min: hop, max: 20 }),
    numbered: fc.boolean(),
  }),
});

const valueAt = (n: number): number => Math.sin(n) * 40;
/** Returns the error in the number of message `i`. No two damaged numbers are adjacent. */
const damage = (i: number): number => 2 ** 33 + i * 2 ** 20;

/**
 * Returns the ticks that arrived, by number, according to docs/streams.md: a number more than a hop ahead
 * counts only after an adjacent message arrives.
 */
function arrivals(first: number, sent: Sent[], numbered: boolean) {
  const arrived = new Map<number, number>();
  const begin = numbered ? first : 0;
  let [end, at] = [begin, first];
  let apart: { from: number; to: number; at: number } | undefined;
  const take = (from: number, to: number, source: number) => {
    for (let n = from; n < to; n++) if (!arrived.has(n)) arrived.set(n, valueAt(source + n - from));
    end = Math.max(end, to);
  };
  for (const [i, { ticks, fate }] of sent.entries()) {
    const source = at;
    at += ticks;
    if (fate === 'lost' || fate === 'foreign') continue;
    const from = fate === 'far' ? source + damage(i) : numbered ? source : end;
    if (fate === 'NaN' || fate === 'torn') {
      if (from <= end + hop) end = Math.max(end, from + ticks);
    } else if (from > end + hop) {
      const beside = apart && from >= apart.to && from - apart.to <= hop ? apart : undefined;
      if (beside) {
        take(beside.from, beside.to, beside.at);
        take(from, from + ticks, source);
      }
      apart = beside ? undefined : { from, to: from + ticks, at: source };
    } else {
      take(from, from + ticks, source);
      apart = undefined;
    }
  }
  return { arrived, begin, end };
}

/** Returns the outputs of a separate session for the signal with its gaps filled. */
async function outputsOf(
  wasm: Uint8Array,
  { begin, end, arrived, rules }: ReturnType<typeof arrivals> & { rules: Rules },
): Promise<{ outputs: number[]; books: { delivered: number; filled: number; resetTicks: number } }> {
  const session = await openSession(wasm);
  const outputs: number[] = [];
  const books = { delivered: 0, filled: 0, resetTicks: 0 };
  const push = (value: number) => {
    if (session.pushPart(Float32Array.of(value), 0, 1)) outputs.push(session.outputRaw(0)[0] as number);
  };
  let last = 0;
  for (let n = begin; n < end; ) {
    const value = arrived.get(n);
    if (value !== undefined) {
      push(value);
      last = value;
      books.delivered++;
      n++;
      continue;
    }
    let to = n;
    while (to < end && !arrived.has(to)) to++;
    const fill = rules.gap === 'reset' ? 0 : Math.min(to - n, rules.gapLimitTicks);
    for (let i = 0; i < fill; i++) push(rules.gap === 'hold' ? last : 0);
    books.filled += fill;
    if (to - n > fill) {
      session.gap(to - n - fill, 'reset');
      books.resetTicks += to - n - fill;
      last = 0;
    }
    n = to;
  }
  return { outputs, books };
}

test('the outputs of random messages, refused ones included, are those of the filled signal, and the counts add up', async () => {
  const { gateway, wasm } = await begun({ channels: 1, hostType: 'float32' }, ['main', 'other']);
  let run = 0;
  const given: number[] = [];
  gateway.events.on('output', ({ raw }) => given.push(raw[0] as number));
  const property = fc.asyncProperty(sending, async ({ first, messages, rules }) => {
    const { numbered, ...policy } = rules;
    const intake = new Intake(gateway, { ...roomy, ...policy, reorderTicks: hop, reorderMs: 1e6 } as Partial<IntakeOptions>);
    const stream = `s${run++}`;
    given.length = 0;
    // Without numbers, a message that did not come is unknown. The first message says where the stream
    // begins, and the last ones continue it.
    const known = messages.map(({ ticks, fate }) => ({
      ticks,
      fate: numbered || !['lost', 'far', 'foreign'].includes(fate) ? fate : ('taken' as const),
    }));
    const sent: Sent[] = [
      { ticks: 2, fate: 'taken' },
      ...known,
      ...[1, 2, 3].map(() => ({ ticks: hop, fate: 'taken' as const })),
    ];
    let at = first;
    let refused = 0;
    for (const [i, { ticks, fate }] of sent.entries()) {
      const values = Float32Array.from({ length: ticks }, (_, n) =>
        fate === 'NaN' && n === ticks - 1 ? Number.NaN : valueAt(at + n),
      );
      const bytes = new Uint8Array(values.buffer, 0, values.byteLength - (fate === 'torn' ? 1 : 0));
      const from = numbered ? at + (fate === 'far' ? damage(i) : 0) : undefined;
      at += ticks;
      if (fate === 'lost') continue;
      // a message to another slot under this stream's name is not part of its signal
      const slot = fate === 'foreign' ? 'other' : 'main';
      const code = await codeOf(() => intake.take({ stream, slot, from, bytes }));
      assert.is(code, { NaN: 'RN844', torn: 'RN842', foreign: 'RN847' }[fate as string] ?? 'none', fate);
      if (code !== 'none') refused++;
      if (fate === 'twice' && numbered) intake.take({ stream, slot, from, bytes });
    }
    const { arrived, begin, end } = arrivals(first, sent, numbered);
    const want = await outputsOf(wasm, { begin, end, arrived, rules });
    await gateway.streams.get(stream)?.instance?.snapshot();
    assert.equal(given, want.outputs, `stream ${stream}`);
    const { received, delivered, late, duplicate, refused: no, shed, filled, resetTicks, refusedMessages } = intake.counts();
    assert.equal({ delivered, filled, resetTicks }, want.books);
    assert.is(gateway.streams.get(stream)?.next, delivered + filled + resetTicks);
    assert.is(received, delivered + late + duplicate + no + shed);
    assert.is(refusedMessages, refused);
    gateway.closeStream(stream);
    intake.close();
  });
  await fc.assert(property, { seed, numRuns });
  await gateway.close();
});

/**
 * Returns the bytes of buffers that stay in memory after `run`. It takes the minimum over several
 * collections, since one collection frees only a part of the garbage.
 */
async function keptBytes(run: () => Promise<void>): Promise<number> {
  const collected = async (): Promise<number> => {
    let lowest = Number.POSITIVE_INFINITY;
    for (let i = 0; i < 10; i++) {
      await new Promise((resolve) => setTimeout(resolve, 20));
      gc();
      lowest = Math.min(lowest, process.memoryUsage().arrayBuffers);
    }
    return lowest;
  };
  const before = await collected();
  await run();
  return (await collected()) - before;
}

test('a refused message keeps nothing in memory, and a stream keeps only its ticks, not the whole messages', async () => {
  const { gateway } = await begun({ channels: 1, hostType: 'float32' }, ['main'], 4);
  const intake = new Intake(gateway, roomy);
  const messageBytes = 1 << 20;
  const refused = await keptBytes(async () => {
    for (let i = 0; i < 200; i++) {
      const values = new Float32Array(messageBytes / 4).fill(i % 2 ? Number.NaN : 1);
      const bytes = new Uint8Array(values.buffer, 0, messageBytes - (i % 2 ? 0 : 1));
      assert.is(await codeOf(() => intake.take({ stream: `r${i}`, from: 0, bytes })), i % 2 ? 'RN844' : 'RN842');
      assert.is(await codeOf(() => intake.take({ stream: `e${i}`, slot: 'empty', from: 0, bytes })), 'RN846');
    }
  });
  assert.is(gateway.streams.size, 0);
  assert.ok(refused < 2 * messageBytes, `${refused} bytes are kept of refused messages`);
  assert.not.ok(gateway.slots.has('empty'));
  // One tick of each message is new. 1024 ticks are kept for a replay, and as many wait for the thread and
  // for a snapshot.
  const length = messageBytes / 4;
  const slide = async (stream: string) => {
    for (let i = 0; i < 60; i++) intake.take({ stream, from: i, bytes: new Uint8Array(messageBytes) });
    await gateway.streams.get(stream)?.instance?.snapshot();
    intake.take({ stream, from: length + 59, bytes: new Uint8Array(4 * 2048) });
    await gateway.streams.get(stream)?.instance?.snapshot();
    intake.take({ stream, from: length + 59 + 2048, bytes: new Uint8Array(4 * 8) });
    await gateway.streams.get(stream)?.instance?.snapshot();
  };
  const slid = await keptBytes(async () => {
    for (const stream of ['a', 'b', 'c', 'd']) await slide(stream);
  });
  // the module's memory, one page per stream, belongs to the thread and is not counted
  const bound = 4 * 4 * 4 * 2048 + 2 * messageBytes;
  assert.ok(slid < bound, `${slid} bytes are kept of four streams, and ${bound} are allowed`);
  assert.is(await codeOf(() => intake.take({ stream: 'e', from: 0, bytes: new Uint8Array(4) })), 'RN813');
  intake.close();
  await gateway.close();
});

test('a signal that restarts again and again without an output is not kept in memory', async () => {
  const channels = 256;
  const messages = 16_000;
  const { gateway } = await begun({ channels });
  const intake = new Intake(gateway, { ...roomy, gap: 'reset', reorderTicks: 2 });
  const kept = await keptBytes(async () => {
    for (let i = 0; i < messages; i++) {
      // three ticks arrive, one is lost; a window has eight ticks
      intake.take({ stream: 'z', from: 4 * i, bytes: new Uint8Array(3 * channels) });
      if (i % 200 === 199) await gateway.streams.get('z')?.instance?.snapshot();
    }
  });
  assert.is(gateway.streams.get('z')?.sequence, 0);
  // The log keeps 1024 ticks for a replay, and messages until a snapshot holds them: ten times 200 of 16,000.
  const bound = (1024 + 10 * 200 * 3) * channels;
  assert.ok(kept < bound, `${kept} bytes are kept, and ${bound} are allowed`);
  intake.close();
  await gateway.close();
});

test('while a module hangs in one slot, another slot gives all outputs, swaps its bundle and sheds nothing', async () => {
  const { gateway } = await begun({}, ['main', 'other', 'third']);
  const intake = new Intake(gateway, { maxWaitingHops: 1000, maxLagMs: 300 });
  const raws: Int8Array[] = [];
  const hung: string[] = [];
  gateway.events.on('output', ({ stream, raw }) => stream === 'a' && raws.push(raw));
  gateway.events.on('stream', ({ state, failure }) => failure && hung.push(`${state} ${failure.code}`));
  const send = (stream: string, slot: string, at: number, ticks: number) =>
    intake.take({ stream, slot, from: at, bytes: bytesOf(signal(1, at, ticks)) });
  assert.ok(send('a', 'main', 0, 20));
  await until(() => raws.length === expected(1, 20).length);
  // One module hangs in the run of `other`, one in the trial of `third`.
  const hangs = await bundleOf(2, { edit: [later(loop)] });
  await gateway.receive(hangs.wasm, hangs.digest, 'other');
  assert.is((await gateway.try('other', { enduranceHops: 8 })).phase, 'confirmed');
  for (let at = 0; at < 240; at += 4) send('b', 'other', at, 4);
  const never = await bundleOf(2, {
    edit: [['export function rn_reset(): void {', `export function rn_reset(): void { ${loop}`]],
  });
  await gateway.receive(never.wasm, never.digest, 'third');
  const trial = gateway.try('third');
  const dry = gateway.examine(never.wasm, never.digest, 'third').catch(() => {});
  let more = 240;
  await until(() => {
    if (gateway.lagMs === 0) {
      send('b', 'other', more, 4);
      more += 4;
    }
    return gateway.lagMs > 300;
  });
  const next = await bundleOf(3, { manifest: (m) => ({ ...m, version: '3', sequence: 3, stateDigest: 'f'.repeat(64) }) });
  await gateway.receive(next.wasm, next.digest);
  const swapped = gateway.try('main', { enduranceHops: 8, outputs: 2 });
  let at = 20;
  let shed = 0;
  for (let done = false; !done || at < 200; at += 4) {
    if (!send('a', 'main', at, 4)) shed++;
    void swapped.then(() => {
      done = true;
    });
    await until(() => raws.length === expected(1, at + 4).length);
  }
  assert.is((await swapped).phase, 'confirmed');
  assert.equal(hung, [], 'the others still hang');
  assert.is(gateway.slots.get('third')?.report?.phase, 'check');
  assert.is(shed, 0);
  assert.equal(raws, expected(1, at));
  intake.close();
  await gateway.close();
  void [trial, dry];
});

test.run();
