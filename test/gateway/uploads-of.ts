/**
 * Uploads on a disk in memory, with limits that fit a small bundle.
 *
 * In: a disk, limits.  Out: a store and its uploads; the pieces of an upload, as a request brings them.
 */
import { Store } from '../../host/gateway/store/store.ts';
import { type UploadLimits, Uploads } from '../../host/gateway/store/uploads.ts';
import { defaultPolicy } from '../../host/gateway/verify/policy.ts';
import type { CrashDisk } from './crash-disk.ts';

export const policy = { ...defaultPolicy, maxBytes: 1500 };

export async function* pieces(...parts: Uint8Array[]) {
  yield* parts;
}

export interface Begun {
  store: Store;
  uploads: Uploads;
}

export async function begun(disk: CrashDisk, limits: Partial<UploadLimits> = {}): Promise<Begun> {
  const store = await Store.open(disk, { safeAfter: 1e6 });
  return { store, uploads: await Uploads.open(disk, policy, { pieceBytes: 200, ...limits }) };
}
