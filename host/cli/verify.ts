/**
 * runlet verify: whether a bundle is signed by a key that you trust, and is as it was signed.
 *
 * In: a bundle, with its weights beside it where they are apart, and public keys.  Out: the key that signed.
 * Exit 1 where there is none (RN608 to RN610), 4 where the weights are not those of the manifest (RN717).
 */
import { hexOf, keyId, readPublicKeys } from '../../assembly/bundle/keys.ts';
import { readManifest } from '../../assembly/bundle/read.ts';
import { verifyBundle } from '../../assembly/bundle/sign.ts';
import { printJson } from '../command/args.ts';
import { weightsBeside } from '../command/bundle-file.ts';
import { readBytes } from '../command/load.ts';
import { argument, input, jsonArg } from '../command/options.ts';
import { defineVerb } from '../command/verb.ts';
import { weightsOf } from '../session/weights.ts';

export default defineVerb({
  examples: [['verify model.wasm --key release.pub', 'exit code 0 where one of these keys signed it']],
  args: {
    bundle: argument(input('Bundle (.wasm), with its weights beside it where they are apart')),
    key: input('Public keys: NAME.pub of runlet keygen, PEM (one or more in a file) or wasmsign2', {
      short: 'k',
      required: true,
    }),
    ...jsonArg,
  },
  async run({ args }) {
    const wasm = await readBytes(args.bundle);
    const keys = readPublicKeys(await readBytes(args.key), args.key);
    const signer = await verifyBundle(wasm, keys);
    // what was signed can be read without fear
    const manifest = readManifest(wasm);
    const weights = await weightsOf(manifest, (await weightsBeside(args.bundle, wasm)) as BufferSource | undefined);
    const id = hexOf(await keyId(signer));
    if (args.json) return printJson({ ok: true, name: manifest.name, keyId: id, weightsBytes: weights?.length });
    const apart = weights ? `, and so are its ${weights.length} bytes of weights` : '';
    process.stdout.write(`${args.bundle}: ${manifest.name} is as ${id} signed it${apart}\n`);
  },
});
