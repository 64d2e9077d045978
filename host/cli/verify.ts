/**
 * runlet verify: checks that a bundle is signed by one of your public keys and was not changed since.
 *
 * In: a bundle with its weights file, if it has one, and public keys.  Out: the key that signed it. Exit code
 * 1 if no key did (RN608 to RN610), 4 if the weights do not match the manifest (RN717).
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
  examples: [['verify model.wasm --key release.pub', 'exits with code 0 if one of these keys signed it']],
  args: {
    bundle: argument(input('Bundle (.wasm), with its weights file in the same folder if it has one')),
    key: input('Public keys: NAME.pub from runlet keygen, PEM (one or more in a file) or wasmsign2', {
      short: 'k',
      required: true,
    }),
    ...jsonArg,
  },
  async run({ args }) {
    const wasm = await readBytes(args.bundle);
    const keys = readPublicKeys(await readBytes(args.key), args.key);
    const signer = await verifyBundle(wasm, keys);
    // the manifest is read only after the signature is verified
    const manifest = readManifest(wasm);
    const weights = await weightsOf(manifest, (await weightsBeside(args.bundle, wasm)) as BufferSource | undefined);
    const id = hexOf(await keyId(signer));
    if (args.json) return printJson({ ok: true, name: manifest.name, keyId: id, weightsBytes: weights?.length });
    const withWeights = weights ? `, including ${weights.length} bytes of weights` : '';
    process.stdout.write(`${args.bundle}: ${manifest.name} is signed by ${id} and unchanged${withWeights}\n`);
  },
});
