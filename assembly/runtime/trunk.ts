/**
 * The trunk as a separate function. In C it stays one; in modules the optimiser decides whether to inline it.
 *
 * In: the calls of network.ts.  Out: the rows of a micro-hop.
 */
import { trunk as calls } from "./network";

export function trunk(): void {
  calls();
}
