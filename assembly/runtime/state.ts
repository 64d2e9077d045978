/**
 * rn_state.
 *
 * In: the network's numbers.  Out: the address of the state, which has rn_info(5) bytes.
 */
import { state } from "./values";

export function rn_state(): i32 {
  return state();
}
