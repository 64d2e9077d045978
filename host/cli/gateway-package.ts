/**
 * Loads parts of the gateway, which is the separate package @runlet/gateway with the server, MQTT and their
 * dependencies.
 *
 * In: an import of a file of host/gateway (in the published packages an import of @runlet/gateway;
 * scripts/prepare.mjs).  Out: the module.
 */
import { RunletError } from '../../models/error.ts';
import { producer } from '../command/producer.ts';

const name = '@runlet/gateway';

/** Checks whether the package is not installed; a missing module inside the package is another error. */
const isAbsent = (error: unknown): boolean =>
  error instanceof Error &&
  'code' in error &&
  error.code === 'ERR_MODULE_NOT_FOUND' &&
  error.message.includes(`package '${name}'`);

/** Loads a part. @param where verb or option that needs it. @throws RN879 if the package is not installed. */
export async function gatewayPart<T>(where: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (error) {
    if (!isAbsent(error)) throw error;
    throw new RunletError('RN879', {
      what: `${where} is in the package ${name}, which is not installed`,
      where,
      why: 'most users of runlet need no server',
      tryThis: `npm install ${name}@${producer()}`,
    });
  }
}
