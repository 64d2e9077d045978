/**
 * Fetches collected windows from a gateway, one after the other.
 *
 * In: a client and a slot.  Out: the list of its windows; the windows themselves.
 * Errors: those of the gateway. A window that is deleted meanwhile is left out.
 */
import { RunletError } from '../../models/error.ts';
import type { KeptJson, WindowJson } from '../gateway/collect/window-json.ts';
import type { GatewayClient } from './client.ts';

export interface Filter {
  /** Only windows that were chosen for this reason. */
  reason?: string;
  /** Only windows with a label. */
  labelled?: boolean;
}

/** Lists the windows of a slot, the oldest first. */
export async function* listed(client: GatewayClient, slot: string, filter: Filter = {}): AsyncGenerator<KeptJson> {
  for (let after = 0; ; ) {
    const page = await client.windows(slot, after, filter.reason);
    if (page.length === 0) return;
    for (const one of page) {
      after = one.id;
      if (one.labelled || !filter.labelled) yield one;
    }
  }
}

/** Fetches windows of a list, at most `max`. */
export async function* fetched(
  client: GatewayClient,
  slot: string,
  list: AsyncIterable<KeptJson> | Iterable<KeptJson>,
  max = Number.POSITIVE_INFINITY,
): AsyncGenerator<WindowJson> {
  let left = max;
  for await (const { id } of list) {
    if (left <= 0) return;
    try {
      yield await client.window(slot, id);
      left--;
    } catch (error) {
      if (!(error instanceof RunletError) || error.code !== 'RN874') throw error;
    }
  }
}

/** Makes the error RN874. */
export const noWindows = (slot: string, why?: string): RunletError =>
  new RunletError('RN874', {
    what: 'there is no window to fetch',
    where: `slot ${slot}`,
    why: why ?? 'none has been collected, or none matches',
    tryThis: 'see docs/collection.md for how to collect windows',
  });
