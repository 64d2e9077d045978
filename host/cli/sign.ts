/**
 * runlet sign: puts an Ed25519 signature before a bundle's sections, as wasmsign2 does. Engines ignore it.
 *
 * In: a bundle, a secret key.  Out: the signed bundle, in place or in the file of --output. An existing
 * signature is replaced.
 */
import { hexOf, keyId, readSecretKey } from '../../assembly/bundle/keys.ts';
import { readManifest } from '../../assembly/bundle/read.ts';
import { signBundle } from '../../assembly/bundle/sign.ts';
import { bytesText } from '../bytes-text.ts';
import { printJson } from '../command/args.ts';
import { readBytes } from '../command/load.ts';
import { argument, input, jsonArg, output } from '../command/options.ts';
import { defineVerb } from '../command/verb.ts';
import { writeOut } from './save.ts';

export default defineVerb({
  examples: [['sign model.wasm --key release.key', 'signs the bundle in place']],
  args: {
    bundle: argument(input('Bundle (.wasm) that runlet build wrote')),
    key: input('Secret key: NAME.key from runlet keygen, PEM or wasmsign2', { short: 'k', required: true }),
    output: output('File for the signed bundle (default: in place)', { short: 'o' }),
    ...jsonArg,
  },
  async run({ args }) {
    const wasm = await readBytes(args.bundle);
    const manifest = readManifest(wasm);
    const pair = await readSecretKey(await readBytes(args.key), args.key);
    const signed = await signBundle(wasm, pair);
    const output = args.output ?? args.bundle;
    await writeOut(output, signed);
    const id = hexOf(await keyId(pair.publicKey));
    if (args.json) return printJson({ output, keyId: id, fileBytes: signed.length, weightsDigest: manifest.weights?.digest });
    const covered = manifest.weights
      ? `; the signature covers the digest of its weights, ${manifest.weights.digest.slice(0, 12)}…`
      : '';
    process.stdout.write(`${output}: ${bytesText(signed.length)}, signed by ${id}${covered}\n`);
  },
});
