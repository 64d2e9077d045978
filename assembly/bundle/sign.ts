/**
 * Signs and verifies modules: Ed25519 in the custom section `signature`, byte-compatible with wasmsign2.
 *
 * In: the bytes of a .wasm, keys.  Out: the bytes with the section in front of all others, 132 bytes more
 * (119 without the key's id); or the key that signed.
 * Source: wasmsign2 (github.com/wasm-signatures), src/lib/src/signature. The signed message: "wasmsig",
 * version 1, content type 1 (a module), hash function 1, then SHA-256 over every byte after the section. If
 * the weights are stored in a separate file, the signature covers their digest in the manifest.
 *
 *     section     1, 1, 1, sets, { bytes, set }
 *     set         hashes, 32 bytes each, signatures, { bytes, signature }
 *     signature   bytes of key id, key id, 1 (Ed25519), 64, 64 bytes        (all numbers unsigned LEB128)
 */
import { RunletError } from '../../models/error.ts';
import { hexOf, join, type KeyPair, keyId, type PublicKey, signMessage, verifyMessage } from './keys.ts';
import { Cursor, eachSection, type WasmSection, wasmSections } from './read.ts';

const signatureSection = 'signature';
const hashBytes = 32;
const signatureBytes = 64;
const headerBytes = 8;
const utf8 = new TextEncoder();
/** Version, content type, hash function. */
const kind = [1, 1, 1];
const ed25519Id = 1;
/** Limits of wasmsign2. */
const maxHashes = 64;
const maxSignatures = 256;

function leb(value: number): number[] {
  const low = value % 128;
  return value < 128 ? [low] : [low + 128, ...leb(Math.floor(value / 128))];
}
const counted = (...parts: (Uint8Array | number[])[]): Uint8Array => {
  const content = join(...parts);
  return join(leb(content.length), content);
};

const message = (...hashes: Uint8Array[]): Uint8Array<ArrayBuffer> => join(utf8.encode('wasmsig'), kind, ...hashes);
const sha256 = async (bytes: Uint8Array): Promise<Uint8Array> =>
  new Uint8Array(await globalThis.crypto.subtle.digest('SHA-256', bytes as BufferSource));

/** Returns the module without its signatures. @throws RN600, RN601 */
export function unsigned(wasm: Uint8Array): Uint8Array {
  const kept = wasmSections(wasm).filter(({ name }) => name !== signatureSection);
  return join(wasm.subarray(0, headerBytes), ...kept.map(({ offset, fileBytes }) => wasm.subarray(offset, offset + fileBytes)));
}

/**
 * Returns a signed copy; an earlier signature is replaced. `id`: true (the default) to include the key's id.
 * @throws RN600, RN601
 */
export async function signBundle(wasm: Uint8Array, pair: KeyPair, { id = true } = {}): Promise<Uint8Array> {
  const plain = unsigned(wasm);
  const sections = plain.subarray(headerBytes);
  const hash = await sha256(sections);
  const signature = await signMessage(pair, message(hash));
  const one = join(counted(id ? await keyId(pair.publicKey) : []), [ed25519Id], counted(signature));
  const set = join([1], hash, [1], counted(one));
  const section = join([0], counted(counted(utf8.encode(signatureSection)), kind, [1], counted(set)));
  return join(plain.subarray(0, headerBytes), section, sections);
}

interface SignedHashes {
  hashes: Uint8Array[];
  signatures: { keyId: string; signature: Uint8Array }[];
}

const where = `custom section ${signatureSection}`;

/** Parses the section. @throws RN601 if it is truncated, RN609 if it has another form */
function parse(section: WasmSection): SignedHashes[] {
  const other = (why: string): RunletError =>
    new RunletError('RN609', {
      what: 'the signature has a form that this reader does not know',
      where,
      why,
      tryThis: 'sign the bundle again with `runlet sign`',
    });
  const list = <T>(cursor: Cursor, what: string, maxCount: number, item: () => T): T[] => {
    const count = cursor.u32(what);
    if (count > maxCount) throw other(`it has ${count} ${what}`);
    return Array.from({ length: count }, item);
  };
  const inside = (cursor: Cursor, what: string): Cursor => {
    const bytes = cursor.take(cursor.u32(what), what);
    return new Cursor(bytes, 0, bytes.length);
  };
  const cursor = new Cursor(section.bytes, 0, section.bytes.length);
  const found = kind.map(() => cursor.u32('a signature'));
  if (found.join() !== kind.join()) throw other(`version, content and hash function are ${found.join(', ')}, not 1, 1, 1`);
  return list(cursor, 'sets of hashes', maxHashes, () => {
    const set = inside(cursor, 'a set of hashes');
    const hashes = list(set, 'hashes', maxHashes, () => set.take(hashBytes, 'a hash'));
    const signatures = list(set, 'signatures', maxSignatures, () => {
      const one = inside(set, 'a signature');
      const id = hexOf(one.take(one.u32('a key id'), 'a key id'));
      const algorithm = one.byte('an algorithm');
      const signature = one.take(one.u32('a signature'), 'a signature');
      return { keyId: id, signature: algorithm === ed25519Id ? signature : new Uint8Array() };
    });
    return { hashes, signatures: signatures.filter(({ signature }) => signature.length === signatureBytes) };
  });
}

/**
 * Returns the ids of the keys that the signatures name, in hex; '' for a signature without an id; undefined
 * if the module is not signed. Verifies nothing. @throws RN600, RN601, RN609
 */
export function signers(wasm: Uint8Array): string[] | undefined {
  const [first] = wasmSections(wasm);
  if (first?.name !== signatureSection) return undefined;
  return parse(first).flatMap(({ signatures }) => signatures.map((one) => one.keyId));
}

/**
 * Returns the first of `keys` that has signed these exact bytes. Until that is verified, only the first
 * section is read.
 * @throws RN600, RN601 no module, RN608 not signed, RN609 a form that is not known, RN610 signed by none of
 * these keys, or changed since
 */
export async function verifyBundle(wasm: Uint8Array, keys: readonly PublicKey[]): Promise<PublicKey> {
  const section = eachSection(wasm).next().value;
  if (section?.name !== signatureSection)
    throw new RunletError('RN608', {
      what: 'the bundle is not signed',
      where,
      why: 'its first section is not a signature',
      tryThis: 'sign it with `runlet sign BUNDLE --key SECRET`',
    });
  const sets = parse(section);
  const hash = hexOf(await sha256(wasm.subarray(section.offset + section.fileBytes)));
  const whole = sets.filter(({ hashes }) => hashes.some((one) => hexOf(one) === hash));
  const ids = await Promise.all(keys.map(async (key) => hexOf(await keyId(key))));
  for (const { hashes, signatures } of whole)
    for (const { keyId: named, signature } of signatures)
      for (const [i, key] of keys.entries())
        if ((named === '' || named === ids[i]) && (await verifyMessage(key, message(...hashes), signature as BufferSource)))
          return key;
  const named = [...new Set(sets.flatMap(({ signatures }) => signatures.map((one) => one.keyId || 'one without an id')))];
  throw new RunletError('RN610', {
    what: 'no trusted key has signed this bundle as it is',
    where,
    why:
      whole.length === 0
        ? 'its bytes differ from those that were signed'
        : `it is signed by ${named.join(', ') || 'nobody'}, and ${ids.join(', ') || 'no key'} is trusted`,
    tryThis: 'take the bundle from its source again, or verify it with the key that it was signed with',
  });
}
