/**
 * Packs weights, tables and parameter blocks into two byte regions.
 *
 * In: the operators' constants, in step order, and symbolic addresses of buffers (address.ts).  Out: bytes of
 * `weights` and `tables`, and where they need addresses (link.ts).  Equal tables are stored once.
 */
import { latin1 } from '../../models/graph/base64.ts';
import type { Ints, OpName, Shape } from '../../models/graph/types.ts';
import { join } from '../../models/lists.ts';
import { rowsBefore } from '../../models/stream/before.ts';
import type { FoldReuse, Stream } from '../../models/stream/edge/layout.ts';
import type { Step, TapsStep } from '../../models/stream/types.ts';
import type { QuantPlan } from '../../quant/plan.ts';
import { type At, type Fixup, packBlock } from './block.ts';
import {
  type Buffers,
  leftAddress,
  type TapsBuffers,
  type TrunkBuffer,
  tablesAt,
  weightsAt,
  windowAddress,
  workAt,
} from './buffers.ts';
import type { Home } from './home.ts';
import type { Need } from './needs.ts';
import { emitOpOfNode } from './ops/index.ts';
import type { Call, EmitContext, FoldIo, MacIo, ModuleChoice, StepIo, TapsIo, TargetParts } from './ops/op.ts';
import { beforeCalls } from './ops/recurrent.ts';
import { pooledSteps } from './pools.ts';
import type { Target } from './target.ts';
import { targetParts } from './targets/index.ts';

/** A growing byte region that starts at an address. */
class Writer {
  private parts: Uint8Array[] = [];
  private known = new Map<string, number>();
  bytes = 0;
  private readonly start: number;
  constructor(start: number) {
    this.start = start;
  }
  put(data: Uint8Array, align: number, share = true): number {
    const key = `${align}:${latin1(data)}`;
    const before = share ? this.known.get(key) : undefined;
    if (before !== undefined) return this.start + before;
    const pad = (align - (this.bytes % align)) % align;
    if (pad) this.parts.push(new Uint8Array(pad));
    const at = this.bytes + pad;
    this.parts.push(data);
    this.bytes = at + data.length;
    if (share) this.known.set(key, at);
    return this.start + at;
  }
  concat(): Uint8Array {
    return join(Uint8Array, this.parts);
  }
}

const bytesOf = (data: Ints | Int32Array | Float32Array) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength).slice();

export interface EmittedStep {
  step: Step;
  calls: Call[];
  rotate: Call[];
  /** Edge steps: calls of the left chain; `calls` compute the right edge. */
  left: Call[];
}

export interface Packed {
  weights: Uint8Array;
  tables: Uint8Array;
  /** Offsets in the tables that need addresses. */
  fixups: Fixup[];
  /** Largest workspace of one call, in bytes. */
  workBytes: number;
  /** Home `tile`: the largest number of bytes that one fetch copies. */
  tileBytes: number;
  needs: ReadonlySet<Need>;
  /** For a pool whose outputs the call of another step writes: that step. */
  pooled: ReadonlyMap<Step, Step>;
  steps: EmittedStep[];
}

/** Returns the addresses of one step's inputs and output. */
function stepIo(quant: QuantPlan, step: Step, buffers: Buffers): StepIo<OpName> {
  const { graph } = quant.plan;
  const shape = (id: number): Shape => graph.tensors[id]?.shape ?? { t: 0, f: 0, c: 0 };
  // an edge step also reads its interior, which is not an operand
  const operands = step.kind === 'finish' ? [] : step.inputs.slice(0, step.node.inputs.length);
  const inTrunk = step.section === 'trunk';
  const x = operands.map(({ tensor, firstRow, rows }) => {
    const trunk = inTrunk ? buffers.trunk.get(tensor) : undefined;
    const address = trunk ? trunk.address + firstRow * trunk.frameBytes : windowAddress(buffers, tensor);
    return { address, rows, shape: shape(tensor) };
  });
  const trunk = inTrunk && step.kind !== 'accumulate' ? buffers.trunk.get(step.output) : undefined;
  const partial = buffers.partials.get(step.output);
  const state = buffers.states.get(step.output);
  return {
    step,
    node: step.node as never,
    params: quant.params.get(step.node) as never,
    x,
    y: trunk ? trunk.address + trunk.plan.historyRows * trunk.frameBytes : windowAddress(buffers, step.output),
    out: shape(step.output),
    ...('slots' in step && { partial: { address: 0, slot: 0, ...partial, slots: step.slots } }),
    ...(state && { state: { ...state, ...beforeSignal(quant, step, trunk) } }),
    ...(step.kind === 'fold' && { fold: foldIo(step, step.fold, buffers) }),
    ...(step.kind === 'taps' && { taps: tapsIo(quant, step, buffers) }),
  };
}

/** Returns how many rows of a step lie before the signal, and the bytes of a row. A head has none. */
const beforeSignal = ({ plan }: QuantPlan, { output }: Step, trunk: TrunkBuffer | undefined) =>
  trunk ? { skip: rowsBefore(plan, output), row: trunk.frameBytes } : { skip: 0, row: 0 };

/** Returns the same step on the left chain: window n + ahead. */
function leftIo(quant: QuantPlan, io: StepIo<OpName>, buffers: Buffers): StepIo<OpName> {
  const { tensors } = quant.plan;
  const at = (tensor: number) => leftAddress(buffers, tensor, tensors.get(tensor)?.stream?.shift ?? 0);
  return {
    ...io,
    x: io.node.inputs.map((tensor, i) => ({ ...(io.x[i] as (typeof io.x)[number]), address: at(tensor) })),
    y: at(io.node.output),
  };
}

/** Returns the addresses of the first layer's partial tap sums. */
function tapsIo({ plan }: QuantPlan, step: TapsStep, buffers: Buffers): TapsIo {
  const [tensor] = step.node.inputs as [number];
  const stream = plan.tensors.get(step.output)?.stream as Stream;
  const frameBytes = buffers.trunk.get(step.output)?.frameBytes ?? 0;
  return {
    taps: step.taps,
    stream,
    ahead: plan.layout?.choice.ahead ?? 0,
    input: leftAddress(buffers, tensor, 0),
    right: windowAddress(buffers, step.output) + (stream.rows - stream.right) * frameBytes,
    left: leftAddress(buffers, step.output, stream.shift),
    leftRows: stream.leftEdge?.computed ?? 0,
    ...(buffers.taps.get(step.output) as TapsBuffers),
  };
}

/** Returns the addresses of a fold's accumulators and of the rows that enter them. */
function foldIo(step: Step, fold: FoldReuse, buffers: Buffers): FoldIo {
  const [tensor] = step.node.inputs as [number];
  const { newest, newRows, rows, left, right, phases, shift } = fold.stream;
  const trunk = buffers.trunk.get(tensor);
  const addresses = buffers.folds.get(step.output);
  const ring = buffers.rings.get(tensor);
  const row = (at: number) => (trunk ? trunk.address + (trunk.plan.windowFirstRow + at) * trunk.frameBytes : 0);
  return {
    fold,
    newAddress: row(newest - newRows + 1),
    openAddress: row(left * phases + shift),
    rightAddress: windowAddress(buffers, tensor) + (rows - right) * (trunk?.frameBytes ?? 0),
    leftAddress: buffers.splices.get(tensor) ?? leftAddress(buffers, tensor, shift),
    queue: addresses?.address ?? 0,
    totals: addresses?.totals ?? 0,
    ...(ring && { ring }),
  };
}

/**
 * The home of the weights. With home `tile`, `room` is the number of bytes of workspace that a call may use
 * without raising the module's peak.
 */
export interface WeightsPlace {
  home: Home;
  room: number;
}

/** Returns the choices of the target for the module as a whole. */
function moduleChoice(
  quant: QuantPlan,
  { module, pools }: TargetParts,
  buffers: Buffers,
  pairs: ReadonlyMap<Step, Step>,
): ModuleChoice {
  const layers = quant.plan.steps.flatMap((step) => {
    if (step.kind === 'copy' || !('weights' in step.node.attrs)) return [];
    const io = stepIo(quant, step, buffers) as unknown as MacIo;
    const pool = pairs.get(step);
    return [{ io, pooled: pool !== undefined && pools(io, step.outRows / pool.outRows) }];
  });
  return module(layers, quant.plan.steps.filter(({ kind }) => kind !== 'copy').length);
}

export function pack(
  quant: QuantPlan,
  target: Target,
  buffers: Buffers,
  place: WeightsPlace = { home: 'embed', room: 0 },
): Packed {
  // addresses of tiles are relative to the first tile
  const weights = new Writer(place.home === 'tile' ? 0 : weightsAt);
  const tables = new Writer(tablesAt);
  const fixups: Fixup[] = [];
  let tileBytes = 0;
  const parts = targetParts[target];
  let workBytes = parts.past;
  const pairs = pooledSteps(quant);
  const module = moduleChoice(quant, parts, buffers, pairs);
  const needs = new Set<Need>(module.needs);
  if (place.home === 'tile') needs.add('FETCH');
  const ctx: EmitContext = {
    target: parts,
    ...place,
    module,
    need: (what) => needs.add(what),
    work: (bytes) => {
      workBytes = Math.max(workBytes, bytes);
      return workAt;
    },
    weights: (data, fetchBytes = data.length) => {
      tileBytes = Math.max(tileBytes, fetchBytes);
      return weights.put(bytesOf(data), 4);
    },
    table: (data) => tables.put(bytesOf(data), data.BYTES_PER_ELEMENT),
    // never shared: blocks that are equal now may get different addresses
    block: (layout, fields) => {
      const block = packBlock(layout, fields);
      const address = tables.put(block.bytes, 4, false);
      for (const { at, to } of block.fixups) fixups.push({ at: address - tablesAt + at, to });
      return address as At<never>;
    },
  };
  const pooled = new Map<Step, Step>();
  const steps = quant.plan.steps.map((step): EmittedStep => {
    if (step.kind === 'copy' || pooled.has(step)) return { step, calls: [], rotate: [], left: [] };
    const op = emitOpOfNode(step.node);
    const io = stepIo(quant, step, buffers);
    const pool = pairs.get(step);
    if (pool && parts.pools(io as unknown as MacIo, step.outRows / pool.outRows)) {
      io.pool = { places: step.outRows / pool.outRows };
      io.y = stepIo(quant, pool, buffers).y;
      pooled.set(pool, step);
    }
    const rotate = step.kind === 'accumulate' ? (op.rotate?.(io, ctx) ?? []) : [];
    const { leftEdge, window } = quant.plan.tensors.get(step.output)?.stream ?? {};
    const isEdge = step.kind === 'edge';
    const computes = isEdge && !step.byTaps;
    return {
      step,
      calls: isEdge && !(computes && window?.right) ? [] : [...op.emit(io, ctx), ...beforeCalls(io, ctx)],
      rotate,
      left: computes && leftEdge?.computed ? op.emit(leftIo(quant, io, buffers), ctx) : [],
    };
  });
  return { weights: weights.concat(), tables: tables.concat(), fixups, workBytes, tileBytes, needs, pooled, steps };
}
