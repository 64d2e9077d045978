/**
 * The programs of this folder, the images that they take, and a device on a pseudo-terminal.
 *
 * In: names and options.  Out: paths, images, a running device with the path of its port. Compiled as in
 * test/mcu/tools.ts.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type BuildOptions, build as buildBundle } from '../../assembly/build.ts';
import { makeImage } from '../../assembly/bundle/image.ts';
import { type KeyPair, newKeyPair } from '../../assembly/bundle/keys.ts';
import { signBundle } from '../../assembly/bundle/sign.ts';
import { planStream } from '../../models/stream/plan.ts';
import { quantPlan } from '../../quant/plan.ts';
import { at, build, mcu, type Sanitizer } from '../mcu/tools.ts';
import { tinyStream } from '../stages/tiny-networks.ts';

const shared = ['runlet-flash.c', 'runlet-flash-text.c', 'runlet-serial.c', 'runlet-image.c', 'runlet-sha256.c'].map((name) =>
  join(mcu, name),
);
const crypto = [join(import.meta.dirname, '../mcu/crypto.c'), '-lcrypto'];
const folders = [`-I${join(import.meta.dirname, '../mcu')}`];

/** Compiles a program. `device` needs WAMR, `fuzz` and `device` need OpenSSL. */
export const program = (name: 'cuts' | 'fuzz' | 'device' | 'sequence', sanitizer: Sanitizer = 'address'): string =>
  build(
    join(import.meta.dirname, `${name}.c`),
    {
      sanitizer,
      more: [
        ...folders,
        ...shared,
        ...(name === 'device' ? [join(mcu, 'runlet-golden.c')] : []),
        ...(name === 'fuzz' || name === 'device' ? crypto : []),
      ],
    },
    name === 'device',
  );

/** Fields of the manifest. Without `sequence` the bundle has no sequence number. */
interface ImageOptions extends Pick<BuildOptions, 'name' | 'sequence' | 'labels' | 'detector'> {
  signer?: KeyPair;
}

/** Returns a model image of a small network. Each hop gives a different one. */
export async function imageOf(hop: number, { signer, ...fields }: ImageOptions = {}): Promise<Uint8Array> {
  const bundle = await buildBundle(quantPlan(planStream(tinyStream(), { hop })), {
    sampleRateHz: 31.25,
    weights: 'tile',
    ...fields,
  });
  return makeImage(signer ? { ...bundle, wasm: await signBundle(bundle.wasm, signer) } : bundle);
}

export { newKeyPair };

/** Writes a file of this process. @returns its path */
export function file(name: string, bytes: Uint8Array): string {
  writeFileSync(at(name), bytes);
  return at(name);
}

export const sectorBytes = 4096;
export const slotBytes = 8 * sectorBytes;

export class Device {
  readonly port: string;
  readonly #flash: string;
  readonly #process: ChildProcess;

  private constructor(port: string, flash: string, process: ChildProcess) {
    this.port = port;
    this.#flash = flash;
    this.#process = process;
  }

  /** @param flash name of the flash's file; if it exists, the device continues with its contents */
  static async start(flash: string, options: Record<string, number | string> = {}): Promise<Device> {
    const args = Object.entries(options).map(([name, value]) => `${name}=${value}`);
    const child = spawn(program('device'), [at(flash), String(slotBytes), ...args], { stdio: ['pipe', 'pipe', 'inherit'] });
    const port = await new Promise<string>((resolve, reject) => {
      let text = '';
      child.stdout.on('data', (part) => {
        text += part;
        if (text.includes('\n')) resolve(text.trim());
      });
      child.on('exit', (code, signal) => reject(new Error(`the device ended: ${signal ?? code}`)));
    });
    return new Device(port, flash, child);
  }

  /** Returns the first bytes of a slot, by default all. */
  slot(index: number, bytes = slotBytes): Uint8Array {
    return new Uint8Array(readFileSync(at(this.#flash)).subarray(index * slotBytes, index * slotBytes + bytes));
  }

  /** Ends the device. @returns how it ended */
  async stop(): Promise<string> {
    const ended = new Promise<string>((resolve) => this.#process.on('exit', (code, signal) => resolve(signal ?? `exit ${code}`)));
    this.#process.stdin?.end();
    return ended;
  }

  /** Kills the device, as if its power were cut. */
  async kill(): Promise<void> {
    const ended = new Promise((resolve) => this.#process.on('exit', resolve));
    this.#process.kill('SIGKILL');
    await ended;
  }
}

/** Writes a flash whose slot 0 holds an image, as another tool does. @returns its name */
export function flashWith(name: string, image: Uint8Array): string {
  const bytes = new Uint8Array(2 * slotBytes + 2 * sectorBytes).fill(255);
  bytes.set(image);
  if (existsSync(at(name))) throw new Error(`${name} is there`);
  file(name, bytes);
  return name;
}
