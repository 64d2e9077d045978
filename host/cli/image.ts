/**
 * runlet image bundle.wasm -o model.bin: packs a bundle, its weights and its detector into one file for a raw
 * flash partition.
 *
 * In: a module with its weights file, the detector of the manifest or of the options.  Out: the image
 * (assembly/bundle/image.ts), its parts on stdout.
 */
import { bytesText } from '../bytes-text.ts';
import { printJson } from '../command/args.ts';
import { bundleImage } from '../command/bundle-image.ts';
import { detectorOptions } from '../command/load.ts';
import { heardArgs } from '../command/model-options.ts';
import { argument, group, input, jsonArg, number, output } from '../command/options.ts';
import { defineVerb } from '../command/verb.ts';
import { writeOut } from './save.ts';

export default defineVerb({
  examples: [
    ['image model.wasm -o model.bin --partition-bytes 1048576', 'packs an image, and fails if it is larger than the partition'],
  ],
  args: {
    bundle: argument(input('Bundle (.wasm) that runlet build wrote')),
    ...heardArgs,
    ...group('Output', {
      output: output('File for the image (default: <bundle>.bin)', { short: 'o', hint: 'model.bin' }),
      partitionBytes: number('Size of the partition; a larger image is refused', { min: 1, whole: true, hint: 'bytes' }),
    }),
    ...jsonArg,
  },
  async run({ args: options }) {
    const { bundle, partitionBytes } = options;
    const settings = detectorOptions(options);
    const { image, wasm, manifest, weights, detector } = await bundleImage(bundle, settings, partitionBytes);
    const path = options.output ?? `${bundle.replace(/\.wasm$/i, '')}.bin`;
    await writeOut(path, image);
    if (options.json)
      return printJson({
        output: path,
        name: manifest.name,
        imageBytes: image.length,
        moduleBytes: wasm.length,
        weightBytes: weights?.length ?? 0,
        sampleRateHz: manifest.sampleRateHz,
        detector,
        partitionBytes,
      });
    const heard = detector?.words.map(({ label, cutoff }) => `${label} above ${cutoff}`).join(', ');
    const lines = [
      `image    ${path}: ${bytesText(image.length)} = module ${wasm.length} + weights ${weights?.length ?? 0} + the rest ${image.length - wasm.length - (weights?.length ?? 0)} bytes`,
      `frames   ${manifest.sampleRateHz === undefined ? 'at an unknown rate' : `${manifest.sampleRateHz} per second`}, ${manifest.hop} per hop`,
      detector
        ? `${detector.voice ? 'voice   ' : 'hears   '} ${heard}: mean of ${detector.slidingWindow}, then a pause of ${detector.refractoryMs} ms`
        : 'hears    nothing: there is no detector, outputs are values',
    ];
    if (partitionBytes !== undefined) lines.push(`partition ${partitionBytes} bytes, ${partitionBytes - image.length} free`);
    process.stdout.write(`${lines.join('\n')}\n`);
  },
});
