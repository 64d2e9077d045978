/**
 * Verifies an uploaded bundle before its trial: size, digest, signature, then manifest and module, in this
 * order.
 *
 * In: bytes, the digest that the sender announced, a Policy, facts about the slot.  Out: the manifest and the
 * key that signed it.  Errors: a code for each refusal (verifyUpload).
 * Rule: nothing is parsed before size, digest and signature are valid, and nothing is compiled.
 */
import { createHash } from 'node:crypto';
import { hexOf, keyId } from '../../../assembly/bundle/keys.ts';
import type { Manifest, PortManifest } from '../../../assembly/bundle/manifest.ts';
import { readManifest } from '../../../assembly/bundle/read.ts';
import { verifyBundle } from '../../../assembly/bundle/sign.ts';
import { RunletError } from '../../../models/error.ts';
import { checkDeclarations } from './module.ts';
import type { Policy } from './policy.ts';

/** Facts about a slot that a new bundle must match. */
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
  /** Id of the key that signed it; undefined if it is not signed (--insecure-unsigned). */
  keyId?: string;
}

const names = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

/** Checks the size of a bundle. @throws RN808 */
export function checkBytes(bytes: number, { maxBytes }: Policy): void {
  if (bytes > maxBytes)
    throw new RunletError('RN808', {
      what: `a bundle of ${bytes} bytes is too large`,
      where: 'upload',
      why: `this gateway accepts at most ${maxBytes}`,
      tryThis: 'use a smaller model, or start the gateway with a larger --max-bytes',
    });
}

/** Returns the digest of `bytes`. @throws RN810 if it is not the announced one */
function checkDigest(bytes: Uint8Array, announced: string): string {
  const found = createHash('sha256').update(bytes).digest('hex');
  if (found === announced) return found;
  throw new RunletError('RN810', {
    what: 'the bundle is not the one that was announced',
    where: 'upload',
    why: `its SHA-256 is ${found.slice(0, 12)}…, and ${announced.slice(0, 12)}… was announced`,
    tryThis: 'send it again',
  });
}

/**
 * Checks name, version and sequence number.
 * @throws RN815 for the name, RN816 if version or sequence is missing or invalid, RN817 if the sequence is
 * too low, RN818 if the bundle already runs
 */
function checkRelease({ name, version, sequence }: Manifest, digest: string, { floor, activeDigest }: SlotFacts) {
  if (!names.test(name))
    throw new RunletError('RN815', {
      what: "the bundle's name is not valid for a gateway",
      where: 'manifest, name',
      why: `${JSON.stringify(name.slice(0, 40))} is not a name of at most 64 letters, digits, dots, dashes and underscores with a letter or digit first`,
      tryThis: 'build it with --name',
    });
  if (version === undefined || sequence === undefined || !names.test(version.replaceAll('+', '-')))
    throw new RunletError('RN816', {
      what: `the bundle has no ${sequence === undefined ? 'sequence number' : 'valid version'}`,
      where: `manifest, ${sequence === undefined ? 'sequence' : 'version'}`,
      why: 'a gateway needs it to distinguish old bundles from new ones',
      tryThis: 'build it with --version 1.0.0 --sequence 1, then sign it',
    });
  if (digest === activeDigest)
    throw new RunletError('RN818', { what: `${name} ${version} runs already`, where: 'slot', why: 'it is the same file' });
  if (sequence <= floor)
    throw new RunletError('RN817', {
      what: `sequence number ${sequence} is too low`,
      where: 'manifest, sequence',
      why: `${floor} was confirmed on this gateway, and only higher numbers are accepted`,
      tryThis: 'for the previous bundle use `runlet rollback`; build a newer one with a higher --sequence',
    });
  return { name, version, sequence };
}

const signalOf = (ports: PortManifest[]): string =>
  ports.map(({ hostType, elements, rate }) => `${rate ?? 1} x ${elements} ${hostType}`).join(', ');

/**
 * Checks that a bundle takes the same signal and gives outputs of the same shape as the one that runs,
 * because the slot's streams continue with it.
 * @throws RN822, RN823
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

/** Checks target, weights, form and self-test. @throws RN819, RN821, RN824, RN828 */
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
      what: "the bundle's weights are in a separate file",
      where: 'manifest, weights',
      why: 'a gateway receives only one file',
      tryThis: 'build it with --weights embed',
    });
  if (form)
    throw new RunletError('RN828', {
      what: `the bundle is also a command (${form})`,
      where: 'manifest, form',
      why: 'a gateway provides no imports',
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
 * Verifies an uploaded bundle.
 * @throws RN808, RN810 for size and digest; RN600, RN601, RN608-RN610 for the signature; RN601-RN607 for
 * manifest and imports; RN815-RN829 if this gateway or slot does not accept the bundle.
 */
export async function verifyUpload(bytes: Uint8Array, announced: string, policy: Policy, slot: SlotFacts): Promise<Verified> {
  checkBytes(bytes.length, policy);
  const digest = checkDigest(bytes, announced);
  const signer = policy.insecureUnsigned ? undefined : hexOf(await keyId(await verifyBundle(bytes, policy.keys)));
  const manifest = readManifest(bytes);
  const about = checkRelease(manifest, digest, slot);
  checkKind(manifest, policy);
  if (slot.manifest) checkFit(manifest, slot.manifest);
  checkDeclarations(bytes, manifest, policy.maxMemoryBytes);
  return { digest, manifest, ...about, keyId: signer };
}
