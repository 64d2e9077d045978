/** Returns the RunletError that `read` throws. Rethrows any other error, since that is a fault. */
import * as assert from 'uvu/assert';
import { isRunletError, type RunletError } from '../../models/error.ts';

export async function refusalOf(read: () => unknown): Promise<RunletError> {
  try {
    await read();
  } catch (error) {
    if (isRunletError(error)) return error;
    throw error;
  }
  return assert.unreachable('it was read') as never;
}
