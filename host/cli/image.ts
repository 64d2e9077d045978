/**
 * runlet image bundle.wasm -o model.bin: a bundle, its weights and what it hears as one file for a raw partition of flash.
 *
 * In: a module, its weights beside it, the manifest's detector or what the options say.  Out: the image (assembly/bundle/image.ts), its parts on stdout.
 */
import { type ArgsDef, defineCommand } from 'citty';
import { type ImageDetector, makeImage } from '../../assembly/bundle/image.ts';
import type { Manifest } from '../../assembly/bundle/manifest.ts';
import { readManifest } from '../../assembly/bundle/read.ts';
import { bytesText } from '../report/table.ts';
import { LabelDetector } from '../session/index.ts';
import { weightsOf } from '../session/weights.ts';
import { jsonArg, numberOption, printJson } from './args.ts';
import { weightsBeside } from './bundle-file.ts';
import { readBytes } from './load.ts';
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

/** What is heard: the manifest's detector, changed by options. A model that has neither gives values. @throws RN770, RN771 */
function detectorOf(manifest: Manifest, settings: ConstructorParameters<typeof LabelDetector>[2]): ImageDetector | undefined {
  const asked = Object.values(settings ?? {}).some((value) => value !== undefined);
  if (!manifest.detector && !asked) return undefined;
  const { output, voice, parts } = new LabelDetector(manifest, 0, settings);
  const [first] = parts;
  const words = parts.map(({ element, detector: { label, cutoff } }) => ({ element, label, cutoff }));
  const { slidingWindow = 1, refractoryMs = 0 } = first?.detector ?? {};
  return { output, voice, slidingWindow, refractoryMs, words };
}

export default defineCommand({
  meta: { name: 'image', description: 'Make one file for a partition of flash: module, weights and what is heard' },
  args,
  async run({ args: options }) {
    const { bundle } = options;
    const partitionBytes = numberOption('partition-bytes', options['partition-bytes'], { min: 1, whole: true });
    const wasm = await readBytes(bundle);
    const manifest = readManifest(wasm);
    const weights = await weightsOf(manifest, (await weightsBeside(bundle, wasm)) as BufferSource | undefined);
    const detector = detectorOf(manifest, {
      label: options.label,
      cutoff: numberOption('cutoff', options.cutoff, { min: 0, max: 1 }),
      slidingWindow: numberOption('sliding-window', options['sliding-window'], { min: 1, whole: true }),
      refractoryMs: numberOption('refractory-ms', options['refractory-ms'], { min: 0 }),
    });
    const image = makeImage({ wasm, manifest, weights, detector, partitionBytes });
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
