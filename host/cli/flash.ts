/**
 * runlet flash model --to serial:PORT: puts a model on a device.
 *
 * In: a bundle or an image, where to.  Out: what the device runs then.  host/flash/serial/command.ts does it.
 */
import { type ArgsDef, defineCommand } from 'citty';
import { badOption, choiceOption, jsonArg, numberOption } from './args.ts';

const args = {
  model: { type: 'positional', required: true, description: 'A module that runlet build wrote, or an image of runlet image' },
  to: { type: 'string', required: true, description: 'The device', valueHint: 'serial:/dev/ttyUSB0' },
  baud: { type: 'string', description: 'Bits a second of a serial port (default: 115200)', valueHint: 'N' },
  sequence: { type: 'string', description: "Above that of the device's confirmed model (default: the next)", valueHint: 'N' },
  name: { type: 'string', description: "For people (default: the model's)", valueHint: 'text' },
  until: { type: 'string', description: 'How far: staged (verified there), tried, confirmed (default)', valueHint: 'state' },
  'trial-s': {
    type: 'string',
    description: 'Seconds for the device to start and pass its self-test (default: 30)',
    valueHint: 's',
  },
  verbose: { type: 'boolean', description: "The device's log on standard error" },
  ...jsonArg,
} as const satisfies ArgsDef;

export default defineCommand({
  meta: { name: 'flash', description: 'Put a model on a device: send, verify, try, confirm' },
  args,
  async run({ args: options }) {
    const { to, model: file, name, json, verbose } = options;
    const { flashToSerial, serialScheme } = await import('../flash/serial/command.ts');
    if (!to.startsWith(serialScheme))
      throw badOption('to', to, `${serialScheme} and the path of a port, such as serial:/dev/ttyUSB0`);
    const trialS = numberOption('trial-s', options['trial-s'], { min: 1 });
    await flashToSerial({
      ...{ file, to, name, json, verbose },
      bitsPerSecond: numberOption('baud', options.baud, { min: 300, whole: true }),
      sequence: numberOption('sequence', options.sequence, { min: 1, max: 0xffffffff, whole: true }),
      until: choiceOption('until', options.until, ['staged', 'tried', 'confirmed'] as const),
      trialMs: trialS === undefined ? undefined : trialS * 1000,
    });
  },
});
