/** What a call of a test throws. */
import { isRunletError } from '../models/error.ts';

/** Returns the code of the error of Runlet that a call throws, or `none`. Any other error is thrown again. */
export const errorCode = (run: () => unknown): string => {
  try {
    run();
  } catch (error) {
    if (isRunletError(error)) return error.code;
    throw error;
  }
  return 'none';
};
