/**
 * runlet keygen: creates a pair of Ed25519 keys: NAME.key (secret, for `sign`) and NAME.pub (public, for
 * `verify`, gateways and firmware).
 *
 * In: a name.  Out: two files in PEM or wasmsign2 format, and with --c NAME.inc, the public key for a
 * firmware's #include. Only the owner can read the secret key. No file is ever overwritten (RN720). Prints
 * the key's id and bytes.
 */
import { writeFile } from 'node:fs/promises';
import { hexOf, keyId, newKeyPair, publicPem, publicRaw, secretPem, secretRaw } from '../../assembly/bundle/keys.ts';
import { RunletError } from '../../models/error.ts';
import { printJson } from '../command/args.ts';
import { argument, flag, group, jsonArg, output } from '../command/options.ts';
import { defineVerb } from '../command/verb.ts';

/** Writes a new file. @throws RN720 if it exists or cannot be written. */
async function writeNew(path: string, text: string | Uint8Array, mode: number): Promise<void> {
  try {
    await writeFile(path, text, { flag: 'wx', mode });
  } catch (error) {
    throw new RunletError('RN720', {
      what: 'this key file cannot be written',
      where: path,
      why: (error as Error).message,
      tryThis: 'choose another name: an existing key is never overwritten',
    });
  }
}

export default defineVerb({
  examples: [['keygen release', 'writes release.key, which you keep secret, and release.pub for gateways and devices']],
  args: {
    name: argument(output('Path of the keys: NAME.key (secret) and NAME.pub (public)')),
    ...group('Output', {
      c: flag("Also write NAME.inc: the public key as C, for a firmware's #include"),
      wasmsign2: flag('Write the format of the program wasmsign2 instead of PEM'),
    }),
    ...jsonArg,
  },
  async run({ args }) {
    const pair = await newKeyPair();
    const secret = `${args.name}.key`;
    const shown = `${args.name}.pub`;
    await writeNew(secret, args.wasmsign2 ? secretRaw(pair) : secretPem(pair), 0o600);
    await writeNew(shown, args.wasmsign2 ? publicRaw(pair) : publicPem(pair), 0o644);
    const id = hexOf(await keyId(pair.publicKey));
    const publicKey = hexOf(pair.publicKey);
    const bytes = Array.from(pair.publicKey, (byte) => `0x${byte.toString(16).padStart(2, '0')}`);
    const include = args.c ? `${args.name}.inc` : undefined;
    if (include) await writeNew(include, `/* ${id} */ {${bytes.join(', ')}},\n`, 0o644);
    if (args.json)
      return printJson({ secretFile: secret, publicFile: shown, ...(include && { includeFile: include }), keyId: id, publicKey });
    process.stdout.write(
      [
        `secret  ${secret}, for runlet sign; keep it secret`,
        `public  ${shown}, for runlet verify, gateways and devices`,
        ...(include ? [`include ${include}, the public key for firmware`] : []),
        `id      ${id}`,
        `in C    {${bytes.slice(0, 16).join(', ')},`,
        `         ${bytes.slice(16).join(', ')}}`,
        '',
      ].join('\n'),
    );
  },
});
