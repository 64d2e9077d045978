/**
 * What a gateway accepts: whose bundles, how large, for which engines.
 *
 * In: the operator's options.  Out: a Policy with every limit filled in.
 */
import type { PublicKey } from '../../../assembly/bundle/keys.ts';

export interface Policy {
  /** Whose signatures count. */
  keys: readonly PublicKey[];
  /** For development: unsigned bundles are taken, and everything says so. */
  insecureUnsigned: boolean;
  /** Largest bundle. */
  mostBytes: number;
  /** Most memory of one module, as it declares it. */
  mostMemoryBytes: number;
  /** Classes of targets (docs/abi.md) that run here. */
  targets: readonly string[];
}

export const defaultPolicy: Policy = {
  keys: [],
  insecureUnsigned: false,
  mostBytes: 16 << 20,
  mostMemoryBytes: 64 << 20,
  targets: ['relaxed', 'simd', 'interp', 'native'],
};
