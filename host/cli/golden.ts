/**
 * runlet golden: writes a bundle's self-test to two files, for runtimes that this command does not drive.
 *
 * In: a bundle.  Out: the generated frames in the form of the ABI, hop by hop, input 0 first in each; the
 * outputs, output 0 first each time. The outputs are written only if their digest is the one that the integer
 * reference gave at build time.
 */
import { bytesText } from '../bytes-text.ts';
import { printJson } from '../command/args.ts';
import { openBundle } from '../command/bundle-file.ts';
import { readBytes } from '../command/load.ts';
import { argument, group, input, jsonArg, output } from '../command/options.ts';
import { defineVerb } from '../command/verb.ts';
import { requireSelfTest } from '../session/index.ts';
import { bytesOf } from '../session/open.ts';
import { writeOut } from './save.ts';

export default defineVerb({
  examples: [['golden model.wasm', 'writes model.frames.bin and the expected model.outputs.bin']],
  args: {
    bundle: argument(input('Bundle (.wasm)')),
    ...group('Output', {
      frames: output('File for the frames (default: <bundle>.frames.bin)'),
      outputs: output('File for the outputs (default: <bundle>.outputs.bin)'),
    }),
    ...jsonArg,
  },
  async run({ args }) {
    const session = await openBundle(args.bundle, await readBytes(args.bundle));
    const frames: Uint8Array[] = [];
    const outputs: Uint8Array[] = [];
    const { digest, outputs: count } = await requireSelfTest(session, (hop) => {
      // copies, since the session writes the next hop into the same arrays
      for (const signal of hop.frames) frames.push(bytesOf(signal).slice());
      for (const output of hop.outputs) outputs.push(bytesOf(output));
    });
    const stem = args.bundle.replace(/\.wasm$/i, '');
    const files = {
      frames: { path: args.frames ?? `${stem}.frames.bin`, bytes: Buffer.concat(frames) },
      outputs: { path: args.outputs ?? `${stem}.outputs.bin`, bytes: Buffer.concat(outputs) },
    };
    for (const { path, bytes } of Object.values(files)) await writeOut(path, bytes);
    const { hops } = session.manifest.golden;
    if (args.json)
      return printJson({
        ...Object.fromEntries(Object.entries(files).map(([name, { path, bytes }]) => [name, { path, bytes: bytes.length }])),
        hops,
        count,
        digest,
      });
    const line = (name: string, { path, bytes }: typeof files.frames, what: string) =>
      `${name.padEnd(8)} ${path}: ${bytesText(bytes.length)}, ${what}\n`;
    process.stdout.write(line('frames', files.frames, `${hops} hops`));
    process.stdout.write(
      line('outputs', files.outputs, `${count} outputs, SHA-256 ${digest.slice(0, 12)}…, equal to the reference`),
    );
  },
});
