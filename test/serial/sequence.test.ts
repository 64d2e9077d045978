/**
 * The floor of a device: the sequence number signed with the bundle counts, not that of the transfer.
 *
 * Only the device's slots (sequence.c), without a line; device.test.ts tests the same over one.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { newKeyPair } from '../../assembly/bundle/keys.ts';
import { deviceCodes } from '../../host/flash/serial/message.ts';
import { run } from '../mcu/tools.ts';
import { absentTools } from '../wamr/runner.ts';
import { file, imageOf, program } from './programs.ts';

const absent = absentTools({ gcc: 'the package gcc' });
if (absent) console.log(`skipped: ${absent}`);
const only = absent ? test.skip : test;
const { ok, floor, sequence, order } = deviceCodes;

/**
 * Sequence numbers of the images 0 to 5, all signed. The last two have no number that fits 32 bits. All have
 * the text "sequence":7 in their labels.
 */
const numbers = [5, 3, 6, 0xffffffff, undefined, 2 ** 32 + 9];
const paths: string[] = [];

interface Step {
  code: number;
  running: number;
  floor: number;
}

function steps(keys: boolean, ...list: string[]): Step[] {
  const { stdout, stderr, ended } = run(program('sequence'), keys ? 1 : 0, ...paths, '--', ...list);
  assert.is(ended, 'exit 0', stderr);
  return stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Step);
}

test.before(async () => {
  if (absent) return;
  const signer = await newKeyPair();
  for (const [i, number] of numbers.entries()) {
    const labels = ['"sequence":7,', 'sequence', 'other', 'more'];
    const detector = { cutoff: 0.5, cutoffs: { sequence: 7, other: 1 }, slidingWindow: 1, refractoryMs: 0, output: 0 };
    paths.push(file(`image-${i}`, await imageOf(12, { signer, sequence: number, labels, detector, name: `net-${i}` })));
  }
});

only('with keys, an old signed image under a new number is refused, and no number prevents later updates', () => {
  const before = ['write 0', 'send 0 6', 'send 1 3', 'send 1 6', 'run 1', 'confirm 1', 'send 1 4294967295', 'run 1', 'use 1'];
  const after = ['send 2 6', 'run 2', 'confirm 2', 'send 0 7', 'send 1 7', 'send 2 7'];
  const found = steps(true, ...before, ...after);
  assert.equal(
    found.map(({ code }) => code),
    [
      ...[ok, sequence, floor, sequence, order, order, sequence, order, floor],
      // The genuine update is accepted; then the old and the running image come under another number.
      ...[ok, ok, ok, sequence, sequence, ok],
    ],
  );
  assert.equal([...new Set(found.slice(0, 11).map((step) => step.floor))], [5], "the floor is that of the factory's image");
  assert.equal([...new Set(found.slice(11).map((step) => step.floor))], [6]);
  assert.equal(found.map(({ running }) => running), [...Array(10).fill(0), ...Array(5).fill(1)]); // biome-ignore format: one line
});

only('with keys, a number that is not in the bundle does not count', () => {
  for (const image of [4, 5]) {
    const codes = steps(true, 'write 0', `send ${image} 0`, `send ${image} 7`, `send ${image} 9`).map(({ code }) => code);
    assert.equal(codes, [ok, floor, sequence, sequence], `image ${image}`);
  }
  // a signed number is accepted, even the largest
  assert.equal(
    steps(true, 'write 0', 'send 3 4294967295', 'run 3', 'confirm 3').map((step) => [step.code, step.floor]).at(-1),
    [ok, 0xffffffff],
  ); // biome-ignore format: one line
});

only('with keys, a person at the console can return to an image that was confirmed here, and to no other older one', () => {
  const found = steps(true, 'write 0', 'use 0', 'send 2 6', 'run 2', 'confirm 2', 'use 0', 'send 1 9', 'use 1', 'use 0');
  assert.equal(
    found.map(({ code, running }) => [code, running]),
    [
      [ok, 0],
      [ok, 0],
      [ok, 0],
      [ok, 1],
      [ok, 1],
      [ok, 0],
      [sequence, 0],
      [floor, 0],
      [ok, 0],
    ],
  );
  assert.is(found.at(-1)?.floor, 6);
});

only('without keys there is no floor: any image may follow, and none prevents later updates', () => {
  const one = (image: number, number: number) => [`send ${image} ${number}`, `run ${image}`, `confirm ${image}`];
  const found = steps(false, 'write 0', ...one(3, 0xffffffff), ...one(1, 3), ...one(4, 0), 'send 2 7', ...one(2, 6));
  assert.equal(
    found.map(({ code }) => code),
    [ok, ...Array(9).fill(ok), sequence, ok, ok, ok],
  );
  assert.equal([...new Set(found.map((step) => step.floor))], [0]);
});

test.run();
