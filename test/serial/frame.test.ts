/**
 * Frames: they are read as they were written, with any text between them and in any pieces; a changed frame
 * is discarded; a frame has no byte that a driver would translate.
 *
 * 1,000 runs per property (RUNLET_SERIAL_FRAMES), seed RUNLET_SEED.
 */
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { encodeFrame, type Frame, FrameReader, frameDelimiter } from '../../host/flash/serial/frame.ts';
import { beginPayload, maxNameBytes, readAnswer } from '../../host/flash/serial/message.ts';

const runs = Number(process.env.RUNLET_SERIAL_FRAMES ?? 1000);
const seed = Number(process.env.RUNLET_SEED ?? 1);
console.log(`  seed ${seed}, ${runs} runs a property`);
const settings = { seed, numRuns: runs };

const frame: fc.Arbitrary<Frame> = fc.record(
  {
    type: fc.integer({ min: 0, max: 255 }),
    sequence: fc.integer({ min: 0, max: 0xffff }),
    // half of the bytes are escape bytes or bytes that need an escape
    payload: fc
      .array(fc.oneof(fc.integer({ min: 0, max: 255 }), fc.constantFrom(0xc0, 0xdb, 0xdc, 0xdd, 0x0a, 0x0d, 0x11, 0x13)), {
        maxLength: 300,
      })
      .map((bytes) => Uint8Array.from(bytes)),
  },
  { noNullPrototype: true },
);
const logText = fc.string({ unit: 'grapheme', maxLength: 60 }).map((text) => text.replace(/\ufffd/g, ''));

/** Reads bytes in pieces of any length. */
function inPieces(bytes: Uint8Array, lengths: number[]): { frames: Frame[]; text: string } {
  const reader = new FrameReader();
  const all: { frames: Frame[]; text: string } = { frames: [], text: '' };
  for (let [at, i] = [0, 0]; at < bytes.length; i++) {
    const length = lengths[i % lengths.length] ?? 1;
    const { frames, text } = reader.push(bytes.subarray(at, at + length));
    all.frames.push(...frames);
    all.text += text;
    at += length;
  }
  return all;
}

const bytesOf = (...parts: (Uint8Array | string)[]): Uint8Array =>
  Uint8Array.from(parts.flatMap((part) => [...(typeof part === 'string' ? new TextEncoder().encode(part) : part)]));

test('frames and text are separated again, in pieces of any length', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(logText, frame), { maxLength: 6 }),
      fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 5 }),
      (parts, lengths) => {
        const line = bytesOf(...parts.flatMap(([text, one]) => [text, encodeFrame(one)]));
        const { frames, text } = inPieces(line, lengths);
        assert.equal(
          frames,
          parts.map(([, one]) => one),
        );
        assert.is(text, parts.map(([one]) => one).join(''));
      },
    ),
    settings,
  );
});

test('a frame has its delimiter twice, and never CR, LF, XON or XOFF', () => {
  fc.assert(
    fc.property(frame, (one) => {
      const line = encodeFrame(one);
      assert.is(line.filter((byte) => byte === frameDelimiter).length, 2);
      assert.ok(!line.some((byte) => [0x0a, 0x0d, 0x11, 0x13].includes(byte)));
    }),
    settings,
  );
});

test('a frame with a lost, repeated or changed byte is discarded, and the next one is whole', () => {
  fc.assert(
    fc.property(frame, frame, fc.nat(), fc.nat({ max: 2 }), fc.integer({ min: 1, max: 255 }), (one, next, place, kind, bits) => {
      const line = [...encodeFrame(one)];
      // the next test changes delimiters
      const at = 1 + (place % (line.length - 2));
      const byte = line[at] as number;
      line.splice(at, 1, ...([[], [byte, byte], [byte ^ bits]][kind] as number[]));
      const { frames } = inPieces(bytesOf(Uint8Array.from(line), encodeFrame(next)), [7]);
      assert.equal(frames, [next]);
    }),
    settings,
  );
});

test('any bytes give only whole frames, and no exception', () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(fc.uint8Array({ maxLength: 80 }), frame.map(encodeFrame), fc.constant(Uint8Array.of(frameDelimiter))), {
        maxLength: 8,
      }),
      (parts) => {
        const line = bytesOf(...parts);
        const { frames, text } = inPieces(line, [1, 9]);
        const sent = new TextDecoder('latin1').decode(line);
        for (const one of frames) assert.ok(sent.includes(new TextDecoder('latin1').decode(encodeFrame(one).subarray(1, -1))));
        assert.type(text, 'string');
      },
    ),
    settings,
  );
});

test('any payload is an answer or none, and a name is cut to its field, but not inside a character', () => {
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 200 }), fc.uint8Array({ minLength: 184, maxLength: 184 })), (payload) => {
      const answer = readAnswer(payload);
      assert.is(answer !== undefined, payload.length === 16 || payload.length === 184);
      assert.is(answer?.status !== undefined, payload.length === 184);
    }),
    settings,
  );
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 60 }), (name) => {
      const payload = beginPayload(5, new Uint8Array(32), 6, name);
      assert.is(payload.length, 72);
      assert.is(payload[71], 0);
      const text = payload.subarray(40, 40 + payload.subarray(40).indexOf(0));
      assert.ok(text.length <= maxNameBytes);
      assert.not.throws(() => new TextDecoder('utf-8', { fatal: true }).decode(text));
    }),
    settings,
  );
});

test('a name ends at its first zero byte, or fills its field', () => {
  const payload = new Uint8Array(184).fill(97);
  payload[32 + 76 + 44 + 5] = 0;
  assert.equal(readAnswer(payload)?.status?.slots.map(({ name }) => name), ['a'.repeat(32), 'aaaaa']); // biome-ignore format: one line
});

test.run();
