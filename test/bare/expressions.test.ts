/**
 * WebAssembly's integer operations as C: the compiled text is compared with the specification in big
 * integers. Also tests the kernels' moves.
 *
 * One program, compiled once with the undefined-behaviour sanitizer: every operation over the extreme values
 * of its operands, trees of operations (brackets), and moves and fills of every length and alignment.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { binaryText, constantText, type Text, unaryText } from '../../assembly/c/expression.ts';
import { movedWord, movesInC } from '../../assembly/c/moves.ts';
import { random } from '../property/random-network.ts';
import { missing } from './run.ts';

const absent = missing(['gcc']);
if (absent) console.log(absent);
const folder = mkdtempSync(join(tmpdir(), 'runlet-c-'));
test.after(() => rmSync(folder, { recursive: true, force: true }));

type Bits = 32 | 64;
const unsigned = (bits: Bits, x: bigint): bigint => BigInt.asUintN(bits, x);
const signed = (bits: Bits, x: bigint): bigint => BigInt.asIntN(bits, x);

/** Source: WebAssembly core specification 4.3.2. */
const meaning: Record<string, (a: bigint, b: bigint, bits: Bits) => bigint | boolean> = {
  Add: (a, b) => a + b,
  Sub: (a, b) => a - b,
  Mul: (a, b) => a * b,
  DivS: (a, b, n) => signed(n, a) / signed(n, b),
  DivU: (a, b) => a / b,
  RemS: (a, b, n) => signed(n, a) % signed(n, b),
  RemU: (a, b) => a % b,
  And: (a, b) => a & b,
  Or: (a, b) => a | b,
  Xor: (a, b) => a ^ b,
  Shl: (a, b, n) => a << (b % BigInt(n)),
  ShrS: (a, b, n) => signed(n, a) >> (b % BigInt(n)),
  ShrU: (a, b, n) => a >> (b % BigInt(n)),
  Eq: (a, b) => a === b,
  Ne: (a, b) => a !== b,
  LtS: (a, b, n) => signed(n, a) < signed(n, b),
  LtU: (a, b) => a < b,
  LeS: (a, b, n) => signed(n, a) <= signed(n, b),
  LeU: (a, b) => a <= b,
  GtS: (a, b, n) => signed(n, a) > signed(n, b),
  GtU: (a, b) => a > b,
  GeS: (a, b, n) => signed(n, a) >= signed(n, b),
  GeU: (a, b) => a >= b,
};
const edges = (bits: Bits): bigint[] =>
  [0n, 1n, 2n, 7n, 31n, 32n, 33n, 127n, 128n, 255n, -1n, -2n, -128n, -129n, 2n ** 31n - 1n, -(2n ** 31n)]
    .concat(bits === 64 ? [2n ** 32n, 2n ** 40n + 5n, 2n ** 63n - 1n, -(2n ** 63n), -(2n ** 33n)] : [])
    .map((x) => unsigned(bits, x));

interface Line {
  text: Text;
  wanted: bigint;
  about: string;
}

const constant = (bits: Bits, x: bigint): Text => constantText(bits === 32 ? Number(BigInt.asIntN(32, x)) : BigInt.asIntN(64, x));
const wrapped = (x: bigint | boolean, bits: Bits): bigint => (typeof x === 'boolean' ? BigInt(x) : unsigned(bits, x));

function everyOperation(): Line[] {
  const lines: Line[] = [];
  for (const bits of [32, 64] as const)
    for (const [name, of] of Object.entries(meaning))
      for (const [i, a] of edges(bits).entries())
        for (const [k, b] of edges(bits).entries()) {
          // every value is used on both sides, but only a third of the pairs
          if ((i + k) % 3 !== 0) continue;
          if (/^(Div|Rem)/.test(name) && (b === 0n || (signed(bits, a) === -(2n ** BigInt(bits - 1)) && signed(bits, b) === -1n)))
            continue;
          // both a variable and a constant, since constants are printed differently
          for (const right of [constant(bits, b), { text: `v${bits}(${constant(bits, b).text})`, binds: 9 }]) {
            const amount = right.value === undefined ? undefined : Number(BigInt.asIntN(32, b));
            const left: Text = { text: `v${bits}(${constant(bits, a).text})`, binds: 9 };
            const text = binaryText(`${name}Int${bits}`, left, right, amount);
            if (!text) throw new Error(`${name} is not known`);
            lines.push({ text, wanted: wrapped(of(a, b, bits), bits), about: `${name}${bits} ${a} ${b}` });
          }
        }
  return lines;
}

/** Returns trees of four 32-bit operations, to test that brackets are where they are needed. */
function trees(count: number): Line[] {
  const rnd = random(7);
  const names = Object.keys(meaning).filter((name) => !/^(Div|Rem)/.test(name));
  const pick = <T>(list: readonly T[]): T => list[Math.floor(rnd() * list.length)] as T;
  const grow = (depth: number): { text: Text; value: bigint; about: string } => {
    if (depth === 0) {
      const value = pick(edges(32));
      return { text: { text: `v32(${constant(32, value).text})`, binds: 9 }, value, about: `${value}` };
    }
    const name = pick(names);
    const [a, b] = [grow(rnd() < 0.3 ? 0 : depth - 1), grow(rnd() < 0.3 ? 0 : depth - 1)];
    const text = binaryText(`${name}Int32`, a.text, b.text) as Text;
    const value = wrapped((meaning[name] as (typeof meaning)[string])(a.value, b.value, 32), 32);
    return { text, value, about: `${name}(${a.about}, ${b.about})` };
  };
  return Array.from({ length: count }, () => {
    const { text, value, about } = grow(3);
    return { text, wanted: value, about };
  });
}

function unaries(): Line[] {
  const lines: Line[] = [];
  const add = (op: string, bits: Bits, of: (x: bigint) => bigint) => {
    for (const x of edges(bits)) {
      const text = unaryText(op, { text: `v${bits}(${constant(bits, x).text})`, binds: 9 });
      if (!text) throw new Error(`${op} is not known`);
      lines.push({ text, wanted: of(x), about: `${op} ${x}` });
    }
  };
  add('EqZInt32', 32, (x) => BigInt(x === 0n));
  add('EqZInt64', 64, (x) => BigInt(x === 0n));
  add('WrapInt64', 64, (x) => unsigned(32, x));
  add('ExtendSInt32', 32, (x) => unsigned(64, signed(32, x)));
  add('ExtendUInt32', 32, (x) => x);
  add('ExtendS8Int32', 32, (x) => unsigned(32, BigInt.asIntN(8, x)));
  add('ExtendS16Int32', 32, (x) => unsigned(32, BigInt.asIntN(16, x)));
  return lines;
}

/** Compiles and runs C statements. @returns the lines that they print */
function run(name: string, body: string): string[] {
  const path = join(folder, name);
  writeFileSync(`${path}.c`, body);
  // -w: compilers warn about such code, and only its meaning is tested here
  const flags = ['-std=c99', '-O0', '-w', '-fsanitize=undefined', '-fno-sanitize-recover=all'];
  execFileSync('gcc', [...flags, `${path}.c`, '-o', path], { stdio: 'pipe' });
  return execFileSync(path, { encoding: 'utf8', maxBuffer: 1 << 26 })
    .trimEnd()
    .split('\n');
}

(absent ? test.skip : test)('every operation is right for extreme values of its operands, and in trees', () => {
  const lines = [...everyOperation(), ...unaries(), ...trees(1000)];
  const parts: string[] = [];
  for (let at = 0; at < lines.length; at += 400)
    parts.push(`static void part_${at}(void) {
${lines
  .slice(at, at + 400)
  .map(({ text }) => `  printf("%" PRIx64 "\\n", (uint64_t)(${text.text}));`)
  .join('\n')}
}`);
  const calls = parts.map((_, i) => `  part_${400 * i}();`).join('\n');
  const printed = run(
    'operations',
    `#include <inttypes.h>
#include <stdio.h>
static uint32_t v32(uint32_t x) { return x; }
static uint64_t v64(uint64_t x) { return x; }
${parts.join('\n')}
int main(void) {
${calls}
}`,
  );
  assert.is(printed.length, lines.length);
  for (const [i, { wanted, about, text }] of lines.entries())
    assert.is(printed[i], wanted.toString(16), `${about}: ${text.text}`);
});

for (const [core, define] of [
  ['loads words from multiples of 4', ''],
  ['loads a word from any address', '#define __ARM_FEATURE_UNALIGNED 1'],
] as const)
  (absent ? test.skip : test)(
    `moves and fills of every length and alignment are right, also to lower addresses, on a core that ${core}`,
    () => {
      const printed = run(
        'moves',
        `${define}
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#define RUNLET_CODE
#define NO_CALLS
typedef uint32_t __attribute__((__may_alias__)) word32;
${movedWord.join('\n')}
#define S32(at, value) (*(word32 *)(void *)(at) = (value))
${Object.values(movesInC).join('\n')}
int main(void) {
  static uint8_t own[128], ref[128];
  int wrong = 0;
  for (uint32_t n = 0; n <= 40; n++)
    for (uint32_t to = 0; to < 8; to++)
      for (uint32_t by = 0; by < 24; by++) {
        for (uint32_t i = 0; i < 128; i++) own[i] = ref[i] = (uint8_t)(37 * i + n);
        memmove(ref + to, ref + to + by, n);
        move_bytes(own + to, own + to + by, n);
        wrong += memcmp(own, ref, 128) != 0;
        memset(ref + to, (int)(200 + by), n);
        fill_bytes(own + to, 0xffffff00u + 200 + by, n);
        wrong += memcmp(own, ref, 128) != 0;
      }
  printf("%d\\n", wrong);
}`,
      );
      assert.equal(printed, ['0']);
    },
  );

test.run();
