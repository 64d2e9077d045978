/**
 * Policy of a gateway: which bundles it accepts, by key, size and target.
 *
 * In: the operator's options.  Out: a Policy with defaults for all limits.
 */
import type { PublicKey } from '../../../assembly/bundle/keys.ts';

export interface Policy {
  /** Public keys whose signatures are accepted. */
  keys: readonly PublicKey[];
  /** True accepts unsigned bundles, for development; log, status and responses then show a warning. */
  insecureUnsigned: boolean;
  /** Size of the largest bundle, in bytes. */
  maxBytes: number;
  /** Largest memory that a module may declare, in bytes. */
  maxMemoryBytes: number;
  /** Targets (docs/abi.md) that run on this gateway. */
  targets: readonly string[];
}

export const defaultPolicy: Policy = {
  keys: [],
  insecureUnsigned: false,
  maxBytes: 16 << 20,
  maxMemoryBytes: 64 << 20,
  targets: ['relaxed', 'simd', 'interp', 'native'],
};
