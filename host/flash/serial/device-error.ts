/**
 * Converts a device's refusal to an error.
 *
 * In: the request and its answer.  Out: RN883 to RN891.  Source: codes of runlet.h and runlet-image.h, as
 * docs/c-host.md and docs/esp32.md describe them.
 */
import { RunletError } from '../../../models/error.ts';
import { type Answer, type DeviceStatus, deviceCodes, protocolVersion, type Request } from './message.ts';

const nameOf = (code: number): string => Object.entries(deviceCodes).find(([, value]) => value === code)?.[0] ?? 'unknown';

/** Codes of runlet.h about signatures. */
const signatureCodes = [-12, -13];

function refusal({ code, detail }: Answer): { why: string; tryThis: string } {
  if (code === deviceCodes.digest)
    return {
      why: 'the received bytes do not have the SHA-256 of the image',
      tryThis: 'use another cable or a lower speed (--baud); if that does not help, the flash may be worn out',
    };
  if (code === deviceCodes.sequence)
    return {
      why: 'the sequence number in the bundle is not the announced one',
      tryThis: 'use an image of runlet image',
    };
  if (code === deviceCodes.image)
    return { why: `its image reader returned ${detail} (host/mcu/runlet-image.h)`, tryThis: 'use an image of runlet image' };
  const signed = signatureCodes.includes(detail);
  return {
    why: `its C host returned ${detail} (docs/c-host.md, "Codes")`,
    tryThis: signed ? 'use runlet sign with a key that the firmware trusts, then runlet image' : 'build the bundle again',
  };
}

/** Returns RN891: the bundle's sequence number is missing or too large for a device. */
export const noSequence = (why: string, status?: DeviceStatus): RunletError =>
  new RunletError('RN891', {
    what: 'the bundle has no sequence number for this device',
    where: 'manifest, sequence',
    why,
    tryThis: `use runlet build --sequence ${(status?.floor ?? 0) + 1}, runlet sign, then runlet image`,
  });

interface Refused {
  request: Request;
  answer: Answer;
  imageBytes: number;
  status?: DeviceStatus;
  /** Sequence number of the bundle; 0 if it has none. */
  sequence: number;
}

/** Returns the error for a refused request. */
export function deviceError({ request, answer, imageBytes, status, sequence }: Refused): RunletError {
  const where = `request ${request}`;
  const { code } = answer;
  switch (code) {
    case deviceCodes.use:
      if (request !== 'hello') break;
      return new RunletError('RN883', {
        what: 'the device uses another version of the protocol',
        where,
        why: `its version is ${answer.status?.version ?? 'unknown'}, and this program has version ${protocolVersion}`,
        tryThis: 'use the firmware and the command of one release',
      });
    case deviceCodes.size:
      return new RunletError('RN884', {
        what: 'the image does not fit the device',
        where,
        why: `it has ${imageBytes} bytes, and a slot has ${status?.slotBytes ?? 'fewer'}`,
        tryThis: 'use a smaller model, or larger partitions (partitions.csv)',
      });
    case deviceCodes.floor:
      if (!sequence) return noSequence('it has none, and the device requires one for signed models', status);
      return new RunletError('RN885', {
        what: `sequence ${sequence} is not above that of the confirmed model`,
        where,
        why: `the device has confirmed sequence ${status?.floor}, and accepts only higher numbers`,
        tryThis: `use runlet build --sequence ${(status?.floor ?? 0) + 1} or more, runlet sign, then runlet image`,
      });
    case deviceCodes.busy:
      return new RunletError('RN886', {
        what: 'the device has another model on trial',
        where,
        why: 'its two slots hold the model on trial and the one for a rollback, and neither may be overwritten',
        tryThis: 'flash the model on trial again to confirm it, or restart the device, which rejects it',
      });
    case deviceCodes.digest:
    case deviceCodes.image:
    case deviceCodes.module:
    case deviceCodes.sequence:
      return new RunletError('RN887', { what: 'the device refuses the model', where, ...refusal(answer) });
    case deviceCodes.io:
      return new RunletError('RN889', {
        what: "the device's flash cannot be written",
        where,
        why: 'erasing or writing failed, or the bytes read back are different',
        tryThis: 'check power and cable; if that does not help, the flash may be worn out',
      });
  }
  return new RunletError('RN890', {
    what: `the device refuses the request ${request}`,
    where,
    why: `it returned ${code} (${nameOf(code)}), which is unexpected here`,
    tryThis: 'try again; another program may use the port at the same time',
  });
}
