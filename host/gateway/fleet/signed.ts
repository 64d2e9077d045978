/**
 * Signs desired states, and verifies them on gateways.
 *
 * In: a desired state and a key pair; the bytes of a message and the trusted keys.  Out: an envelope; the
 * desired state in it.  Errors: RN850, RN895, RN896.  Source: Ed25519 (RFC 8032), with the keys of bundles.
 * Rule: the signature covers a fixed context line and the unchanged text. So the JSON needs no canonical
 * form, and the signature of a bundle is not valid for a desired state. The text is parsed only after its
 * signature is verified. Cost: about 0.1 ms per message.
 */
import { createPrivateKey, createPublicKey, sign, verify } from 'node:crypto';
import { hexOf, type KeyPair, keyId, type PublicKey, publicPem, secretPem } from '../../../assembly/bundle/keys.ts';
import { RunletError } from '../../../models/error.ts';
import { type Desired, encode, parseDesired, parseEnvelope } from './messages.ts';

const context = 'runlet fleet, desired state, version 2\n';
const signed = (text: string): Buffer => Buffer.from(context + text);

export type Sealer = (desired: Desired) => Uint8Array;
export type Opener = (payload: Uint8Array) => Desired;

/** Returns a function that makes envelopes; without a key pair they are not signed. */
export async function sealer(pair?: KeyPair): Promise<Sealer> {
  if (!pair) return (desired) => encode({ fleet: 2, desired: JSON.stringify(desired) });
  const key = createPrivateKey(secretPem(pair));
  const id = hexOf(await keyId(pair.publicKey));
  return (desired) => {
    const text = JSON.stringify(desired);
    return encode({ fleet: 2, desired: text, keyId: id, signature: sign(null, signed(text), key).toString('base64url') });
  };
}

/** Returns a function that opens envelopes of trusted keys, or, if `insecureUnsigned`, any envelope. */
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
        why: 'this gateway accepts only desired states that a trusted key has signed',
        tryThis: 'use `runlet flash --fleet … --key NAME.key`, with a key whose public key is in the gateway’s --key',
      });
    const key = keys.get(id);
    if (key && verify(null, signed(desired), key, Buffer.from(signature, 'base64url'))) return parseDesired(desired);
    throw new RunletError('RN896', {
      what: 'the signature of this desired state is not valid',
      where: 'desired',
      why: key
        ? 'its text is not the text that was signed'
        : `it is signed by ${id}, and ${[...keys.keys()].join(', ') || 'no key'} is trusted`,
      tryThis: 'sign with a key whose public key is in the gateway’s --key',
    });
  };
}
