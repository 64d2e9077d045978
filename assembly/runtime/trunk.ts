/**
 * The trunk as a function of its own, whoever calls it: C has it apart, and the optimiser decides for
 * modules.
 *
 * In: the calls of network.ts.  Out: the rows of a micro-hop.
 */
import { trunk as calls } from "./network";

export function trunk(): void {
  calls();
}
