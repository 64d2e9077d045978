/**
 * runlet image bundle.wasm -o model.bin: a bundle, its weights and what it hears as one file for a raw partition of flash.
 *
 * In: a module, its weights beside it, the manifest's detector or what the options say.  Out: the image (assembly/bundle/image.ts), its parts on stdout.
 */
import { type ArgsDef, defineCommand } from 'citty';
import { bytesText } from '../report/table.ts';
import { jsonArg, numberOption, printJson } from './args.ts';
import { bundleImage } from './bundle-image.ts';
import { writeOut } from './save.ts';

const args = {
  bundle: { type: 'positional', required: true, description: 'A module that runlet build wrote' },
  output: { type: 'string', alias: 'o', description: 'Where the image goes (default: <bundle>.bin)', valueHint: 'model.bin' },
  'partition-bytes': { type: 'string', description: 'Refuse an image that is larger than this partition', valueHint: 'N' },
  label: {
    type: 'string',
    description: 'The word that is heard; of a model with several labels the only one',
    valueHint: 'word',
  },
  cutoff: { type: 'string', description: "Mean probability above which it is heard (default: the manifest's)", valueHint: 'p' },
  'sliding-window': { type: 'string', description: 'Outputs in the mean', valueHint: 'n' },
  'refractory-ms': { type: 'string', description: 'Milliseconds below the cutoff before the next detection', valueHint: 'ms' },
  ...jsonArg,
} as const satisfies ArgsDef;

export default defineCommand({
  meta: { name: 'image', description: 'Make one file for a partition of flash: module, weights and what is heard' },
  args,
  async run({ args: options }) {
    const { bundle } = options;
    const partitionBytes = numberOption('partition-bytes', options['partition-bytes'], { min: 1, whole: true });
    const settings = {
      label: options.label,
      cutoff: numberOption('cutoff', options.cutoff, { min: 0, max: 1 }),
      slidingWindow: numberOption('sliding-window', options['sliding-window'], { min: 1, whole: true }),
      refractoryMs: numberOption('refractory-ms', options['refractory-ms'], { min: 0 }),
    };
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
      `frames   ${manifest.sampleRateHz === undefined ? 'at an unknown rate' : `${manifest.sampleRateHz} a second`}, ${manifest.hop} a hop`,
      detector
        ? `${detector.voice ? 'voice   ' : 'hears   '} ${heard}: mean of ${detector.slidingWindow}, then none for ${detector.refractoryMs} ms`
        : 'hears    nothing: outputs are values',
    ];
    if (partitionBytes !== undefined) lines.push(`partition ${partitionBytes} bytes, ${partitionBytes - image.length} free`);
    process.stdout.write(`${lines.join('\n')}\n`);
  },
});
