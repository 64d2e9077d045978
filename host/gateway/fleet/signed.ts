/**
 * Signed desired states: who may say what a gateway runs.
 *
 * In: a desired state and a pair of keys; the bytes of a message and the keys that are trusted.  Out: an
 * envelope; the desired state in it, or RN850, RN895, RN896. The keys are those of bundles (Ed25519, RFC
 * 8032). What is signed is a line of its own before the text as it stands, so no text has to be brought into
 * one form, and a signature of a bundle is none of a desired state. Nothing of the text is read before its
 * signature holds. Cost: about 0.1 ms a message.
 */
import { createPrivateKey, createPublicKey, sign, verify } from 'node:crypto';
import { hexOf, type KeyPair, keyId, type PublicKey, publicPem, secretPem } from '../../../assembly/bundle/keys.ts';
import { RunletError } from '../../../models/error.ts';
import { type Desired, encode, parseDesired, parseEnvelope } from './messages.ts';

const context = 'runlet fleet, desired state, version 2\n';
const signed = (text: string): Buffer => Buffer.from(context + text);

export type Sealer = (desired: Desired) => Uint8Array;
export type Opener = (payload: Uint8Array) => Desired;

/** What makes envelopes; without a pair they are not signed. */
export async function sealer(pair?: KeyPair): Promise<Sealer> {
  if (!pair) return (desired) => encode({ fleet: 2, desired: JSON.stringify(desired) });
  const key = createPrivateKey(secretPem(pair));
  const id = hexOf(await keyId(pair.publicKey));
  return (desired) => {
    const text = JSON.stringify(desired);
    return encode({ fleet: 2, desired: text, keyId: id, signature: sign(null, signed(text), key).toString('base64url') });
  };
}

/** What opens envelopes: of any of these keys, or of anybody with `insecureUnsigned`. */
export async function opener(trusted: { keys: readonly PublicKey[]; insecureUnsigned: boolean }): Promise<Opener> {
  const keys = new Map<string, ReturnType<typeof createPublicKey>>();
  for (const publicKey of trusted.keys) keys.set(hexOf(await keyId(publicKey)), createPublicKey(publicPem({ publicKey })));
  return (payload) => {
    const { desired, keyId: id, signature } = parseEnvelope(payload);
    if (trusted.insecureUnsigned) return parseDesired(desired);
    if (id === undefined || signature === undefined)
      throw new RunletError('RN895', {
        what: 'the desired state is not signed',
        where: 'desired',
        why: 'this gateway takes none from somebody it does not know',
        tryThis: '`runlet flash --fleet … --key NAME.key`, with a key whose public one is in the gateway’s --key',
      });
    const key = keys.get(id);
    if (key && verify(null, signed(desired), key, Buffer.from(signature, 'base64url'))) return parseDesired(desired);
    throw new RunletError('RN896', {
      what: 'no key that is trusted has signed this desired state as it is',
      where: 'desired',
      why: key
        ? 'its text is not the one that was signed'
        : `it is signed by ${id}, and ${[...keys.keys()].join(', ') || 'no key'} is trusted`,
      tryThis: 'sign with a key whose public one is in the gateway’s --key',
    });
  };
}
