/**
 * Machine instructions that ran for each segment of a module, compiled from C and traced in QEMU.
 *
 * In: a module and a core.  Out: pieces of machine code by function and segment, from compiling with lines
 * (-g changes no instruction) and a log of every translated block that QEMU ran; and the sum of the rest
 * (start, libc, main).
 * Cost: some microseconds a block; a few outputs of a network are enough, since only ratios to the segments'
 * counts matter.
 */
import { execFileSync, spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Core, cores, quiet } from '../../host/bench/count.ts';
import { withPlainMemory } from '../../host/bench/plain-memory.ts';
import type { CountedCore } from '../../host/fit/coefficients.ts';
import { decodeModule } from '../../host/fit/wasm/decode.ts';
import { openModule } from '../../host/session/open.ts';
import { inFolder } from '../../test/wamr/runner.ts';
import { type Place, placesOf } from './lines.ts';

const here = join(import.meta.dirname, '../../host/bench/core');

/** Machine instructions next to one another that ran equally often. */
export interface Piece {
  /** Of wasm, by the lines of the C: where gcc says that the instructions are from. */
  fn: number;
  segment: number;
  /** The C function that they are in, which may be another: `fn` is inlined there. */
  symbol: string;
  /** Bytes from the symbol to the first of them. */
  offset: number;
  /** How many there are; with what they called of a library, on average. */
  instructions: number;
  times: number;
}

export interface Traced {
  pieces: Piece[];
  /** Instructions that ran of what is not in a piece. */
  elsewhere: number;
  /** Machine code of the module. */
  codeBytes: number;
}

/** Addresses -> the first line of module.c that has a place, of those that an address was inlined through. */
function placesAt(addr2line: string, elf: string, addresses: number[], places: Map<number, Place>): Map<number, Place> {
  const input = addresses.map((address) => address.toString(16)).join('\n');
  const text = execFileSync(addr2line, ['-a', '-i', '-e', elf], { input, encoding: 'utf8', maxBuffer: 1 << 28 });
  const found = new Map<number, Place>();
  let address = 0;
  for (const line of text.split('\n')) {
    if (line.startsWith('0x')) address = Number.parseInt(line, 16);
    const [, at] = /module\.c:(\d+)/.exec(line) ?? [];
    const place = at && places.get(Number(at));
    if (place && !found.has(address)) found.set(address, place);
  }
  return found;
}

interface Block {
  times: number;
  addresses: number[];
  /** Instructions of a library's functions that it called. */
  called: number;
  kind: 'module' | 'library' | 'host';
}

const kindOf = (symbol: string): Block['kind'] =>
  /^(w2c_|Z_module)/.test(symbol) ? 'module' : /^(main|_start|Reset_Handler|fill|take|start)$/.test(symbol) ? 'host' : 'library';

/** Calls `line` with every line of a stream of text of one byte a character. */
async function eachLine(stream: NodeJS.ReadableStream, line: (bytes: Buffer, from: number, to: number) => void): Promise<void> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const part of stream) {
    const bytes = rest.length > 0 ? Buffer.concat([rest, part as Buffer]) : (part as Buffer);
    let from = 0;
    for (let to = bytes.indexOf(10); to >= 0; to = bytes.indexOf(10, from)) {
      line(bytes, from, to);
      from = to + 1;
    }
    rest = bytes.subarray(from);
  }
}

/** Longer than any trace that ends. */
const mostMs = 60_000;

/** Translated blocks that ran. @throws where the run does not end */
async function blocksRun(qemu: string, args: string[]): Promise<Block[]> {
  const child = spawn(qemu, [...args, '-d', 'in_asm,exec,nochain'], { stdio: ['ignore', 'pipe', 'pipe'] });
  const blocks = new Map<number, Block>();
  let reading: Block | undefined;
  let last: Block | undefined;
  let kind: Block['kind'] = 'host';
  // "least ...", when all hops ran: picolibc prints it among the trace, newlib on standard output
  let ended = false;
  child.stdout.on('data', (text: Buffer) => {
    ended ||= text.includes('least');
  });
  const clock = setTimeout(() => child.kill(), mostMs);
  const hexadecimal = (bytes: Buffer, from: number): number => Number.parseInt(bytes.toString('latin1', from, from + 8), 16);
  await eachLine(child.stderr, (bytes, from, to) => {
    const first = bytes[from];
    if (first === 0x54) {
      // Trace 0: 0x... [00000000/<address>/...
      const block = blocks.get(hexadecimal(bytes, bytes.indexOf(0x2f, from) + 1));
      if (!block) return;
      block.times++;
      if (block.kind === 'library') {
        if (last) last.called += block.addresses.length;
      } else last = block.kind === 'module' ? block : undefined;
    } else if (first === 0x30 && bytes[from + 1] === 0x78) {
      const address = hexadecimal(bytes, from + 2);
      if (!reading) {
        const before = blocks.get(address);
        reading = { times: before?.times ?? 0, addresses: [], called: before?.called ?? 0, kind };
        blocks.set(address, reading);
      }
      reading.addresses.push(address);
    } else if (first === 0x6c) {
      ended = true;
      child.kill();
    } else if (first === 0x49) {
      reading = undefined;
      kind = kindOf(bytes.toString('latin1', from + 3, to).trim());
    }
  });
  clearTimeout(clock);
  // without -icount some runs for a Cortex-M0+ stand still: a part of a trace is of no use
  if (!ended) throw new Error(`the trace did not end in ${mostMs / 1000} s`);
  return [...blocks.values()].filter(({ times }) => times > 0);
}

export const trace = (wasm: Uint8Array, which: CountedCore, due: number): Promise<Traced> =>
  inFolder(async (at) => {
    const core: Core = cores[which];
    const module = decodeModule(wasm);
    const { exports } = await openModule(wasm as BufferSource);
    writeFileSync(at('module.wasm'), wasm);
    const inside = { cwd: at('.') };
    execFileSync('wasm2c', ['module.wasm', '-n', 'module', '-o', 'module.c'], inside);
    const c = withPlainMemory(readFileSync(at('module.c'), 'utf8'));
    writeFileSync(at('module.c'), c);
    writeFileSync(at('weights.h'), 'static const unsigned char rn_weights[4];\n');
    const defines = [
      `-DRN_BYTES=${exports.memory.buffer.byteLength}`,
      `-DRN_OUTPUTS=${due}`,
      '-DRN_HOME=0',
      '-DWASM_RT_USE_STACK_DEPTH_COUNT=0',
    ];
    const options = ['-g', '-O2', '-std=gnu99', '-fno-strict-aliasing', '-w', '-I.', '-I/usr/src/wasm2c', ...defines];
    execFileSync(core.compiler, [...options, ...core.flags, 'module.c', join(here, 'main.c'), '-o', 'count.elf'], inside);
    const places = placesOf(c, module);
    let elsewhere = 0;
    const machine = [
      '-semihosting-config',
      'enable=on,target=native',
      '-nographic',
      ...quiet,
      ...core.machine,
      '-kernel',
      at('count.elf'),
    ];
    const blocks = await blocksRun(core.qemu, machine);
    const addresses = [...new Set(blocks.flatMap((block) => block.addresses))];
    const placed = placesAt(core.compiler.replace(/gcc$/, 'addr2line'), at('count.elf'), addresses, places);
    const nm = execFileSync(core.compiler.replace(/gcc$/, 'nm'), ['-S', at('count.elf')], { encoding: 'utf8' });
    const symbols = [...nm.matchAll(/^([0-9a-f]+) ([0-9a-f]+) [tT] ((?:w2c_|Z_module)\S*)/gm)].map(([, from, size, name]) => ({
      // of Thumb code the lowest bit is set
      from: (Number.parseInt(from as string, 16) & 0xfffffffe) >>> 0,
      bytes: Number.parseInt(size as string, 16),
      name: name as string,
    }));
    const times = new Map<number, number>();
    const called = new Map<number, number>();
    for (const block of blocks) {
      if (block.kind === 'library') continue;
      for (const address of block.addresses) times.set(address, (times.get(address) ?? 0) + block.times);
      const last = block.addresses.at(-1) ?? 0;
      called.set(last, (called.get(last) ?? 0) + block.called);
    }
    const pieces: Piece[] = [];
    let end = 0;
    for (const address of [...times.keys()].sort((x, y) => x - y)) {
      const ran = times.get(address) ?? 0;
      const place = placed.get(address);
      const took = 1 + (called.get(address) ?? 0) / ran;
      const symbol = symbols.find(({ from, bytes }) => address >= from && address < from + bytes);
      if (!place || !symbol) {
        elsewhere += took * ran;
        continue;
      }
      const before = pieces.at(-1);
      const { fn, segment } = place;
      const joins = before && before.fn === fn && before.segment === segment && before.times === ran;
      if (joins && before.symbol === symbol.name && address - end <= 4) before.instructions += took;
      else pieces.push({ fn, segment, symbol: symbol.name, offset: address - symbol.from, instructions: took, times: ran });
      end = address;
    }
    return { pieces, elsewhere, codeBytes: symbols.reduce((sum, { bytes }) => sum + bytes, 0) };
  });
