/**
 * Whether a bundle that came over the wire may be tried: size, digest, signature, then manifest and module,
 * in this order.
 *
 * In: bytes, the digest that the sender said, a Policy, what the slot runs.  Out: the manifest and who
 * signed, or a refusal with a code of its own. Nothing of the bytes is parsed before their size, their digest
 * and their signature hold; nothing is compiled here at all.
 */
import { createHash } from 'node:crypto';
import { hexOf, keyId } from '../../../assembly/bundle/keys.ts';
import type { Manifest, PortManifest } from '../../../assembly/bundle/manifest.ts';
import { readManifest } from '../../../assembly/bundle/read.ts';
import { verifyBundle } from '../../../assembly/bundle/sign.ts';
import { RunletError } from '../../../models/error.ts';
import { checkDeclarations } from './module.ts';
import type { Policy } from './policy.ts';

/** What a slot runs, as far as a bundle must fit it. */
export interface SlotFacts {
  floor: number;
  activeDigest?: string;
  manifest?: Manifest;
}

export interface Verified {
  digest: string;
  manifest: Manifest;
  name: string;
  version: string;
  sequence: number;
  /** undefined: not signed (--insecure-unsigned). */
  keyId?: string;
}

const names = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

/** @throws RN808 */
export function checkBytes(bytes: number, { mostBytes }: Policy): void {
  if (bytes > mostBytes)
    throw new RunletError('RN808', {
      what: `a bundle of ${bytes} bytes is too large`,
      where: 'upload',
      why: `this gateway takes at most ${mostBytes}`,
      tryThis: 'a smaller model, or a gateway with --most-bytes',
    });
}

/** @throws RN810 */
function checkDigest(bytes: Uint8Array, said: string): string {
  const found = createHash('sha256').update(bytes).digest('hex');
  if (found === said) return found;
  throw new RunletError('RN810', {
    what: 'the bundle is not the one that was announced',
    where: 'upload',
    why: `its SHA-256 is ${found.slice(0, 12)}…, and ${said.slice(0, 12)}… was said`,
    tryThis: 'send it again',
  });
}

/**
 * @throws RN815 a name, RN816 version or sequence missing, RN817 an old sequence, RN818 the bundle that runs
 */
function release({ name, version, sequence }: Manifest, digest: string, { floor, activeDigest }: SlotFacts) {
  if (!names.test(name))
    throw new RunletError('RN815', {
      what: "the bundle's name is none that a gateway takes",
      where: 'manifest, name',
      why: `${JSON.stringify(name.slice(0, 40))} is not letters, digits, dots, dashes and underscores, 64 at most, a letter or digit first`,
      tryThis: 'build it with --name',
    });
  if (version === undefined || sequence === undefined || !names.test(version.replaceAll('+', '-')))
    throw new RunletError('RN816', {
      what: `the bundle has no ${sequence === undefined ? 'sequence number' : 'version'} that a gateway takes`,
      where: `manifest, ${sequence === undefined ? 'sequence' : 'version'}`,
      why: 'it is how a gateway tells an old bundle from a new one',
      tryThis: 'build it with --version 1.0.0 --sequence 1, then sign it',
    });
  if (digest === activeDigest)
    throw new RunletError('RN818', { what: `${name} ${version} runs already`, where: 'slot', why: 'it is the same file' });
  if (sequence <= floor)
    throw new RunletError('RN817', {
      what: `sequence number ${sequence} is too low`,
      where: 'manifest, sequence',
      why: `${floor} was confirmed here, and only what is above it is taken`,
      tryThis: '`runlet rollback` goes back to the bundle before; a newer one needs a higher --sequence',
    });
  return { name, version, sequence };
}

const signalOf = (ports: PortManifest[]): string =>
  ports.map(({ hostType, elements, rate }) => `${rate ?? 1} x ${elements} ${hostType}`).join(', ');

/**
 * A slot's streams go on under the new bundle, so it must take the same signal and give outputs of the same
 * form. @throws RN822, RN823
 */
function checkFit(next: Manifest, running: Manifest): void {
  const rate = (m: Manifest) => m.sampleRateHz ?? 'unknown';
  for (const [what, old, found] of [
    ['frames', signalOf(running.inputs), signalOf(next.inputs)],
    ['samples a second', rate(running), rate(next)],
    ['front end', running.frontEnd ?? 'none', next.frontEnd ?? 'none'],
  ] as const)
    if (old !== found)
      throw new RunletError('RN822', {
        what: 'the bundle takes another signal than the one that runs',
        where: `manifest, ${what}`,
        why: `${found}, and this slot has ${old}`,
        tryThis: 'flash it to another slot: --slot NAME',
      });
  if (signalOf(next.outputs) !== signalOf(running.outputs))
    throw new RunletError('RN823', {
      what: 'the bundle gives other outputs than the one that runs',
      where: 'manifest, outputs',
      why: `${signalOf(next.outputs)}, and this slot has ${signalOf(running.outputs)}`,
      tryThis: 'flash it to another slot: --slot NAME',
    });
}

/** @throws RN819, RN821, RN824, RN828 */
function checkKind({ target, weights, form, golden }: Manifest, { targets }: Policy): void {
  if (!targets.includes(target))
    throw new RunletError('RN819', {
      what: `the bundle is for target ${target}`,
      where: 'manifest, target',
      why: `this gateway runs ${targets.join(', ')}`,
      tryThis: 'build it with --target simd or interp',
    });
  if (weights)
    throw new RunletError('RN821', {
      what: "the bundle's weights are a file apart",
      where: 'manifest, weights',
      why: 'a gateway receives one file',
      tryThis: 'build it with --weights embed',
    });
  if (form)
    throw new RunletError('RN828', {
      what: `the bundle is a command too (${form})`,
      where: 'manifest, form',
      why: 'a gateway gives no imports',
      tryThis: 'build it without --wasi',
    });
  if (golden.outputs < 1)
    throw new RunletError('RN824', {
      what: 'the bundle has no self-test',
      where: 'manifest, golden',
      why: 'it records no output, so nothing could be compared',
      tryThis: 'build it again with `runlet build`',
    });
}

/**
 * @throws RN808, RN810 size and digest; RN600, RN601, RN608-RN610 signature; RN601-RN607 manifest and
 * imports; RN815-RN829 what this gateway or this slot does not take.
 */
export async function verifyUpload(bytes: Uint8Array, said: string, policy: Policy, slot: SlotFacts): Promise<Verified> {
  checkBytes(bytes.length, policy);
  const digest = checkDigest(bytes, said);
  const signer = policy.insecureUnsigned ? undefined : hexOf(await keyId(await verifyBundle(bytes, policy.keys)));
  const manifest = readManifest(bytes);
  const about = release(manifest, digest, slot);
  checkKind(manifest, policy);
  if (slot.manifest) checkFit(manifest, slot.manifest);
  checkDeclarations(bytes, manifest, policy.mostMemoryBytes);
  return { digest, manifest, ...about, keyId: signer };
}
