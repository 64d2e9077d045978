/**
 * Parameter blocks: a missing, extra or misspelt field and a block for the wrong kernel do not compile, and
 * fields are written where kernels read them.
 *
 * In: hand-written blocks.  Out: bytes. tsc checks the lines that expect an error: if one of them compiles,
 * that is an error.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type At, packBlock, zeros } from '../../assembly/emit/block.ts';
import { HistoryBlock, PlainBlock, TapsBlock } from '../../assembly/emit/blocks.ts';
import { callOf } from '../../assembly/emit/ops/op.ts';

const fields = { x: 1, y: 2, own: 7, x_rows: 3, pad_t: 4, row: 5, zero: -6 };

test('every field is written once, little-endian, at its offset, and unused bytes are 0', () => {
  const { bytes } = packBlock(HistoryBlock, fields);
  assert.equal([...new Int32Array(bytes.buffer)], [1, 2, 7, 3, 4, 5, -6]);
  assert.equal([...packBlock(TapsBlock, zeros(TapsBlock)).bytes], new Array(TapsBlock.bytes).fill(0));
});

test('a class has the fields of its base class at the same offsets', () => {
  const { bytes, at } = PlainBlock;
  assert.equal(
    Object.entries(TapsBlock.at).filter(([, offset]) => offset < bytes),
    Object.entries(at),
  );
});

test('missing or misspelt fields and fields of another block do not compile', () => {
  const { zero, ...missing } = fields;
  // @ts-expect-error zero is missing
  packBlock(HistoryBlock, missing);
  // @ts-expect-error zeros is no field
  packBlock(HistoryBlock, { ...missing, zeros: zero });
  // @ts-expect-error one field too many
  packBlock(HistoryBlock, { ...missing, zero, stride_t: 1 });
});

test('a kernel accepts only its own block, or one that extends it', () => {
  const [taps, history] = [8 as At<TapsBlock>, 16 as At<HistoryBlock>];
  assert.equal(callOf('fetch_s8', taps), { fn: 'fetch_s8', block: 8 });
  // @ts-expect-error it reads other fields
  callOf('fetch_s8', history);
  // @ts-expect-error a number is no block
  callOf('fetch_s8', 8);
});

test.run();
