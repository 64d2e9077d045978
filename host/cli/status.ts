/**
 * runlet status: what runs on a gateway, slot by slot; --confirm lets a bundle run that has passed its trial.
 */
import { RunletError } from '../../models/error.ts';
import { badOption, coloursFor, printJson } from '../command/args.ts';
import { flag, group, jsonArg, number } from '../command/options.ts';
import { clientOf, lineText, remoteArgs, slotLines } from '../command/remote.ts';
import { defineVerb } from '../command/verb.ts';
import type { GatewayClient } from '../remote/client.ts';

/** Until the gateway has made its token and answers, or the time is over. @throws RN720, RN860 */
async function answering(args: Parameters<typeof clientOf>[0], untilMs: number): Promise<GatewayClient> {
  for (;;)
    try {
      const client = await clientOf(args);
      await client.status();
      return client;
    } catch (error) {
      const starts = error instanceof RunletError && (error.code === 'RN860' || error.code === 'RN720');
      if (!starts || performance.now() > untilMs) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
}

export default defineVerb({
  examples: [
    ['status --to http://gateway:8080 --token-file token', 'what runs, slot by slot'],
    ['status --to http://gateway:8080 --token-file token --confirm', 'let the bundle run that has passed its trial'],
  ],
  args: {
    ...remoteArgs,
    ...group('What is done', {
      wait: number('Wait so long for a gateway that has just been started', { min: 0, max: 3600, hint: 's' }),
      confirm: flag('Let the bundle run that has passed its trial in --slot'),
      leaveSafeMode: flag('End safe mode, in which a gateway is after crashes in a row'),
    }),
    ...jsonArg,
  },
  async run({ args, given }) {
    if (given.has('slot') && !args.confirm) throw badOption('slot', args.slot, '--confirm beside it; the status is of all slots');
    const { wait } = args;
    const client = await (wait === undefined ? clientOf(args) : answering(args, performance.now() + 1000 * wait));
    if (args.leaveSafeMode) await client.leaveSafeMode();
    if (args.confirm) await client.confirm(args.slot);
    const status = await client.status();
    if (args.json) return printJson(status);
    const { yellow, bold } = coloursFor(process.stdout);
    if (status.insecureUnsigned) process.stdout.write(`${yellow('INSECURE: this gateway takes unsigned bundles')}\n`);
    if (status.safeMode)
      process.stdout.write(`${yellow('safe mode: crashed in a row, runs what was confirmed and tries nothing')}\n`);
    for (const slot of status.slots)
      process.stdout.write(`${bold(`slot ${slot.slot}`)}\n${slotLines(slot).map(lineText).join('')}`);
    if (status.slots.length === 0) process.stdout.write('no bundle has been flashed yet\n');
  },
});
