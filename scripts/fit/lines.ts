/**
 * Which segment of a module each line of its C belongs to.
 *
 * In: C as wasm2c 1.0.32 writes it, one line an instruction, and the module.  Out: by line number (from 1)
 * function and segment.
 */
import type { DecodedModule } from '../../host/fit/wasm/decode.ts';
import { boundariesOf } from '../../host/fit/wasm/segments.ts';

export interface Place {
  fn: number;
  segment: number;
}

/** What a line says of control. */
function controlOf(line: string): 'loop' | 'if' | 'else' | 'endIf' | 'brIf' | 'endBlock' | undefined {
  if (/^\s*w2c_L\d+:/.test(line)) return 'loop';
  if (/^\s*w2c_B\w+:/.test(line)) return 'endBlock';
  if (/^\s*if \(.*\) \{.*goto.*\}$/.test(line)) return 'brIf';
  if (/^\s*if \(.*\) \{$/.test(line)) return 'if';
  if (/^\s*\} else \{$/.test(line)) return 'else';
  if (/^\s+\}$/.test(line)) return 'endIf';
  return undefined;
}

/** @throws where the lines' control is not that of the module's code */
export function placesOf(c: string, module: DecodedModule): Map<number, Place> {
  const places = new Map<number, Place>();
  const lines = c.split('\n');
  const first = lines.findIndex((line) =>
    /^static (void|u32|u64|f32|f64) w2c_\w+\(Z_module_instance_t\* instance.*\{$/.test(line),
  );
  let at = first;
  for (const [fn, { code }] of module.functions.entries()) {
    while (at < lines.length && !/^static .* w2c_\w+\(.*\{$/.test(lines[at] as string)) at++;
    const boundaries = boundariesOf(code);
    let next = 0;
    for (; at < lines.length && lines[at] !== '}'; at++) {
      places.set(at + 1, { fn, segment: next });
      const control = controlOf(lines[at] as string);
      if (!control || (control === 'endBlock' && /w2c_Bfunc/.test(lines[at] as string))) continue;
      while (boundaries[next]?.kind === 'leave') next++;
      const boundary = boundaries[next];
      if (boundary?.kind !== control)
        throw new Error(`line ${at + 1} of the C is ${control}, the module's function ${fn} has ${boundary?.kind} there`);
      next++;
      // a label is where its own segment begins; `if` and br_if belong to what is before them
      if (control === 'loop' || control === 'endBlock') places.set(at + 1, { fn, segment: next });
    }
    places.set(at + 1, { fn, segment: next });
  }
  return places;
}
