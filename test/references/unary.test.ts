/**
 * int8 functions of one value, for all 256 inputs: the bytes equal those of tflite-micro and of
 * ai-edge-litert's reference kernels, if they have such a kernel.
 *
 * A table entry whose real value is within float32's last bit of a half may differ, because C libraries
 * differ there. `apart` counts them, and more than one in 10,000 fails.  The scales exclude inputs outside a
 * function's domain, at which the interpreters stop.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { ActivationAttrs, QuantParams } from '../../models/graph/types.ts';
import { unaryFns, unaryOf } from '../../models/ops/unary.ts';
import { readTflite } from '../../models/read/tflite/index.ts';
import { activation } from '../../quant/ops/activation.ts';
import { codes, type Made, unaryFile } from '../read/unary-file.ts';
import { haveInterpreters, type Interpreter, runInterpreter } from './interpreters.ts';

const q = (scale: number, zeroPoint: number): QuantParams => ({ scale: Math.fround(scale), zeroPoint });
const every = Int8Array.from({ length: 256 }, (_, i) => i - 128);

function made(): Made[] {
  const all: Made[] = [];
  for (const op of Object.keys(codes)) {
    const line = unaryFns.map(unaryOf).find((of) => of.tflite === op);
    if (op === 'NEG' || op === 'POW' || line?.noInt8) continue;
    for (const scale of [0.004, 0.02, 0.0613, 0.1])
      for (const zeroPoint of line?.domain && op !== 'EXP' ? [-128] : [-128, -50, 3, 100])
        for (const y of [q(0.5 * scale, -128), q(2 * scale, -100), q(0.0371, -20), q(0.11, 3)]) {
          const x = q(scale, zeroPoint);
          if (/^M/.test(op)) all.push({ op, constant: [17], quant: { x, y: x } });
          else for (const approximate of op === 'GELU' ? [false, true] : [false]) all.push({ op, approximate, quant: { x, y } });
        }
  }
  return all;
}

if (haveInterpreters())
  for (const kind of ['tflm', 'litert'] as const satisfies readonly Interpreter[])
    test(`int8 functions of one value equal ${kind}`, () => {
      const cases = made();
      const files = cases.map(unaryFile);
      const answers = runInterpreter(
        kind,
        files.map((model) => ({ model, input: new Uint8Array(every.buffer), ports: [1, 1] })),
      );
      const compared = new Map<string, [bytes: number, apart: number]>();
      for (const [i, { op, quant }] of cases.entries()) {
        const { nodes, tensors } = readTflite(files[i] as Uint8Array);
        const node = nodes[0] as (typeof nodes)[number] & { op: 'activation'; attrs: ActivationAttrs };
        const params = activation.prepare(node, [tensors[0] as never], tensors[1] as never);
        const got = activation.run(params, [{ data: every, shape: { t: 256, f: 1, c: 1 } }], { t: 256, f: 1, c: 1 });
        const wanted = answers[i];
        if (typeof wanted === 'string') continue;
        const bytes = new Int8Array((wanted as Uint8Array).buffer);
        // if a float does not fit int32 the cast is undefined: LiteRT's gives the smallest value
        const overflows = (at: number) =>
          op === 'EXP' && Math.exp((quant?.x.scale ?? 0) * (at - (quant?.x.zeroPoint ?? 0))) / (quant?.y.scale ?? 1) > 2 ** 31;
        const apart = bytes.filter((v, at) => v !== got[at] && !overflows(at - 128)).length;
        const [n, d] = compared.get(op) ?? [0, 0];
        compared.set(op, [n + 256, d + apart]);
      }
      console.log(`  ${kind}: ${[...compared].map(([op, [n, d]]) => `${op} ${d} of ${n}`).join(', ')}`);
      assert.ok(compared.size >= 8, [...compared.keys()].join());
      for (const [op, [n, d]] of compared) assert.ok(d <= n / 10_000, `${op}: ${d} of ${n} bytes differ`);
    });

test.run();
