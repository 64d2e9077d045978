/**
 * What a device refuses, as an error for people.
 *
 * In: the request and its answer.  Out: RN883 to RN891.  The words for codes of runlet.h and runlet-image.h
 * are docs/c-host.md's and docs/esp32.md's.
 */
import { RunletError } from '../../../models/error.ts';
import { type Answer, type DeviceStatus, deviceCodes, protocolVersion, type Request } from './message.ts';

const nameOf = (code: number): string => Object.entries(deviceCodes).find(([, value]) => value === code)?.[0] ?? 'unknown';

/** The codes of runlet.h that are about a signature. */
const signatureCodes = [-12, -13];

function refusal({ code, detail }: Answer): { why: string; tryThis: string } {
  if (code === deviceCodes.digest)
    return {
      why: 'its SHA-256 is not that of the image',
      tryThis: 'another cable or a lower speed (--baud); then the flash may be worn',
    };
  if (code === deviceCodes.sequence)
    return {
      why: 'it reads another sequence number in the bundle than was announced',
      tryThis: 'an image that runlet image wrote',
    };
  if (code === deviceCodes.image)
    return { why: `its reader of images says ${detail} (host/mcu/runlet-image.h)`, tryThis: 'an image that runlet image wrote' };
  const signed = signatureCodes.includes(detail);
  return {
    why: `its C host says ${detail} (docs/c-host.md, "Codes")`,
    tryThis: signed ? 'runlet sign, with a key that the firmware trusts, then runlet image' : 'build the bundle again',
  };
}

/** A bundle whose sequence number is of no use to a device. */
export const noSequence = (why: string, status?: DeviceStatus): RunletError =>
  new RunletError('RN891', {
    what: 'the bundle has no sequence number for this device',
    where: 'manifest, sequence',
    why,
    tryThis: `runlet build --sequence ${(status?.floor ?? 0) + 1}, runlet sign, then runlet image`,
  });

interface Refused {
  request: Request;
  answer: Answer;
  imageBytes: number;
  status?: DeviceStatus;
  /** Of the bundle; 0: it has none. */
  sequence: number;
}

export function deviceError({ request, answer, imageBytes, status, sequence }: Refused): RunletError {
  const where = `request ${request}`;
  const { code } = answer;
  switch (code) {
    case deviceCodes.use:
      if (request !== 'hello') break;
      return new RunletError('RN883', {
        what: 'the device speaks another version of the protocol',
        where,
        why: `it has ${answer.status?.version ?? 'none'}, and this is ${protocolVersion}`,
        tryThis: 'firmware and command of one release',
      });
    case deviceCodes.size:
      return new RunletError('RN884', {
        what: 'the image does not fit the device',
        where,
        why: `it has ${imageBytes} bytes, and a slot ${status?.slotBytes ?? 'less'}`,
        tryThis: 'a smaller model, or larger partitions (partitions.csv)',
      });
    case deviceCodes.floor:
      if (!sequence) return noSequence('it has none, and the device takes signed models by their sequence numbers', status);
      return new RunletError('RN885', {
        what: `sequence ${sequence} is not above that of the confirmed model`,
        where,
        why: `the device has confirmed sequence ${status?.floor}, and goes only forward`,
        tryThis: `runlet build --sequence ${(status?.floor ?? 0) + 1} or more, runlet sign, then runlet image`,
      });
    case deviceCodes.busy:
      return new RunletError('RN886', {
        what: 'the device has another model on trial',
        where,
        why: 'its slots hold the model that it can go back to and the one on trial, and neither is written',
        tryThis: 'confirm that one by flashing it again, or start the device anew, which gives it up',
      });
    case deviceCodes.digest:
    case deviceCodes.image:
    case deviceCodes.module:
    case deviceCodes.sequence:
      return new RunletError('RN887', { what: 'the device refuses the model', where, ...refusal(answer) });
    case deviceCodes.io:
      return new RunletError('RN889', {
        what: "the device's flash does not take the model",
        where,
        why: 'erasing or writing failed, or other bytes were read back',
        tryThis: 'power and cable; then the flash may be worn out',
      });
  }
  return new RunletError('RN890', {
    what: `the device refuses the request ${request}`,
    where,
    why: `it says ${code} (${nameOf(code)}), which does not belong here`,
    tryThis: 'again; another program may be talking to it at the same time',
  });
}
