/**
 * rn_abi.
 *
 * In: nothing.  Out: the version of the ABI (docs/abi.md).
 */
export function rn_abi(): i32 {
  return 1;
}
