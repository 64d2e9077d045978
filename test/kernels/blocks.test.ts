/**
 * Parameter blocks: what the emitter leaves out, adds, misspells or gives to the wrong kernel does not
 * compile, and fields come out where kernels read them.
 *
 * In: blocks written by hand.  Out: bytes. tsc checks the lines that expect an error: one that compiles is an
 * error itself.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type At, packBlock, zeros } from '../../assembly/emit/block.ts';
import { HistoryBlock, PlainBlock, TapsBlock } from '../../assembly/emit/blocks.ts';
import { callOf } from '../../assembly/emit/ops/op.ts';

const fields = { x: 1, y: 2, own: 7, x_rows: 3, pad_t: 4, row: 5, zero: -6 };

test('every field once, at its offset, little-endian; what is free is 0', () => {
  const { bytes } = packBlock(HistoryBlock, fields);
  assert.equal([...new Int32Array(bytes.buffer)], [1, 2, 7, 3, 4, 5, -6]);
  assert.equal([...packBlock(TapsBlock, zeros(TapsBlock)).bytes], new Array(TapsBlock.bytes).fill(0));
});

test('a class has the fields of the one that it extends, at the same offsets', () => {
  const { bytes, at } = PlainBlock;
  assert.equal(
    Object.entries(TapsBlock.at).filter(([, offset]) => offset < bytes),
    Object.entries(at),
  );
});

test('fields that are missing, misspelt or of another block do not compile', () => {
  const { zero, ...missing } = fields;
  // @ts-expect-error zero is missing
  packBlock(HistoryBlock, missing);
  // @ts-expect-error zeros is no field
  packBlock(HistoryBlock, { ...missing, zeros: zero });
  // @ts-expect-error one field too many
  packBlock(HistoryBlock, { ...missing, zero, stride_t: 1 });
});

test('a kernel takes its own block, or one that extends it', () => {
  const [taps, history] = [8 as At<TapsBlock>, 16 as At<HistoryBlock>];
  assert.equal(callOf('fetch_s8', taps), { fn: 'fetch_s8', block: 8 });
  // @ts-expect-error it reads other fields
  callOf('fetch_s8', history);
  // @ts-expect-error a number is no block
  callOf('fetch_s8', 8);
});

test.run();
