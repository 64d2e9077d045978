/**
 * build: QuantPlan -> Bundle, with the compiler that the caller supplies. Uses no Node API, so that a page
 * can build modules too.
 *
 * In: tools; a QuantPlan and options.  Out: one WebAssembly module with its manifest, the generated source
 * and the memory map. The same input gives the same bytes.
 */

import { RunletError } from '../models/error.ts';
import { fitFrontEnd } from '../models/frontend/fit.ts';
import type { FrontEnd } from '../models/frontend/types.ts';
import { isInt16 } from '../models/graph/types.ts';
import { streamingOf } from '../models/stream/modes.ts';
import type { QuantPlan } from '../quant/plan.ts';
import { type Assembled, assemble, assembleTable, checkMemory } from './assemble.ts';
import type { ManifestOptions } from './bundle/make-manifest.ts';
import type { Form } from './bundle/manifest.ts';
import { compileWith, filesOf, type Tools } from './emit/compiler.ts';
import { emit, type Style } from './emit/emit.ts';
import { checkHome, type Home } from './emit/home.ts';
import { everyKernel, everyNeed, type Interpreters, kernelSetOf, kernelsUsed } from './emit/interpreters.ts';
import type { PartsOptions } from './emit/link.ts';
import type { MemoryMap } from './emit/memory.ts';
import { exportedNumber } from './emit/patch.ts';
import { moduleSource } from './emit/source.ts';
import { isTarget, type Target, targets } from './emit/target.ts';

export interface BuildOptions extends Partial<Omit<ManifestOptions, 'style' | 'frontEnd'>> {
  /**
   * A string names a front end that the host applies (host/features). A FrontEnd is built into the module,
   * which then takes int16 sound.
   */
  frontEnd?: string | FrontEnd;
  /**
   * `calls` (the default): code for this network. `table`: a table of layers and an interpreter. `smallest`:
   * the smaller file of the two.
   */
  style?: Style | 'smallest';
  /**
   * Where the weights are stored: `embed`, in the module (the default); `linear` or `tile`, in a separate
   * file (emit/home.ts).
   */
  weights?: Home;
  /**
   * Style `table`: kernels of the interpreter. `used` (the default): those that the network calls. `every`:
   * all; it is compiled once per process.
   */
  kernels?: 'used' | 'every';
}

export interface Bundle extends Assembled {
  /** The generated source and the kernels, by file name. */
  source: Record<string, string>;
}

export type Build = (quant: QuantPlan, options?: BuildOptions) => Promise<Bundle>;

/** Returns a build function that compiles with these tools. */
export function builder(tools: Tools, interpreters: Interpreters): Build {
  const build: Build = async (quant, options = {}) => {
    const producer = options.producer ?? 'runlet';
    const target = options.target ?? 'interp';
    if (!isTarget(target)) {
      throw new RunletError('RN504', {
        what: `target ${target} is not known`,
        why: `there are ${targets.join(', ')}`,
        tryThis: 'interp, which every engine runs',
      });
    }
    const home = checkHome(options.weights ?? 'embed', target, options.form);
    checkCommand(quant, options.form);
    const { style = 'calls' } = options;
    if (style === 'smallest') {
      const [calls, table] = [
        await build(quant, { ...options, style: 'calls' }),
        await build(quant, { ...options, style: 'table' }),
      ];
      return table.wasm.length < calls.wasm.length ? table : calls;
    }
    const { frontEnd } = options;
    if (typeof frontEnd === 'object') checkRows(quant);
    const inside = typeof frontEnd === 'object' ? fitFrontEnd(quant.plan.graph, frontEnd) : undefined;
    const named = { ...options, frontEnd: typeof frontEnd === 'string' ? frontEnd : undefined, producer, target, weights: home };
    return style === 'calls' ? asCalls(tools, quant, named, inside) : asTable(tools, interpreters, quant, named, inside);
  };
  return build;
}

/** Checks that a WASI command has no int16 output. @throws RN509 */
function checkCommand({ plan: { graph } }: QuantPlan, form?: Form): void {
  const port = form === 'wasi' && graph.outputs.find(({ tensor }) => isInt16(graph.tensors[tensor]?.quant));
  if (!port) return;
  throw new RunletError('RN509', {
    what: 'a WASI command cannot have an output of int16',
    where: port.name,
    why: 'it writes int8, and its code would be larger for every model',
    tryThis: 'build without --wasi',
  });
}

/** Checks that the input is int8, as the rows of a front end are. @throws RN540 */
function checkRows({ plan: { graph } }: QuantPlan): void {
  const input = graph.tensors[graph.inputs[0]?.tensor ?? -1];
  if (!isInt16(input?.quant)) return;
  throw new RunletError('RN540', {
    what: 'a front end cannot feed an int16 input',
    where: input?.name,
    why: 'its rows are int8',
    tryThis: 'quantise without --mixed, or leave the front end to the host',
  });
}

type Named = Omit<BuildOptions, 'frontEnd'> & {
  frontEnd?: string;
  producer: string;
  target: Target;
  weights: Home;
};

const partsOptions = ({ weights: home, form }: Named, frontEnd?: FrontEnd): PartsOptions => ({
  home,
  ...(frontEnd && { frontEnd }),
  ...(form && { form }),
});

async function asCalls(tools: Tools, quant: QuantPlan, options: Named, sound?: FrontEnd): Promise<Bundle> {
  const emitted = checkMemory(emit(quant, options.target, partsOptions(options, sound)));
  const source = moduleSource(quant, emitted, options.producer);
  const { needs } = emitted.packed;
  const compiled = compileWith(tools, source, emitted.memory.end, options.target, needs).then((code) =>
    checkBase(code, emitted.memory),
  );
  const assembled = await assemble(quant, emitted, compiled, { ...options, style: 'calls' });
  return { ...assembled, source: filesOf(tools, source, needs) };
}

async function asTable(
  tools: Tools,
  { interpreter }: Interpreters,
  quant: QuantPlan,
  options: Named,
  sound?: FrontEnd,
): Promise<Bundle> {
  const { target, weights, form } = options;
  const every = options.kernels === 'every';
  const set = kernelSetOf(quant.plan.graph);
  const kernels = every ? () => everyKernel(target, weights, set) : kernelsUsed;
  const emitted = checkMemory(emit(quant, target, { ...partsOptions(options, sound), kernels }));
  const ownClock = streamingOf(quant.plan.mode).outputClock;
  const needs = every ? everyNeed(target, weights, set) : emitted.packed.needs;
  const compiled = await interpreter(kernels(emitted.program), {
    target,
    ownClock,
    sound: sound !== undefined,
    form,
    needs,
  });
  const assembled = await assembleTable(quant, emitted, compiled, options);
  return { ...assembled, source: filesOf(tools, compiled.source, needs) };
}

/** Checks that static memory lies where the memory map says: parameter blocks hold absolute addresses. */
function checkBase(compiled: Uint8Array, memory: MemoryMap): Uint8Array {
  const end = exportedNumber(compiled, '__data_end');
  if (end !== memory.end) {
    throw new RunletError('RN503', {
      what: `static memory ends at ${end}, not at ${memory.end}`,
      why: 'the compiler placed it at another address',
      tryThis: 'the pinned version of assemblyscript',
    });
  }
  return compiled;
}
