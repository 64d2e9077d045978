/**
 * runlet status: shows what runs on a gateway, slot by slot, or confirms a bundle that passed its trial.
 */
import { RunletError } from '../../models/error.ts';
import { badOption, coloursFor, printJson } from '../command/args.ts';
import { flag, group, jsonArg, number } from '../command/options.ts';
import { clientOf, lineText, remoteArgs, slotLines } from '../command/remote.ts';
import { defineVerb } from '../command/verb.ts';
import type { GatewayClient } from '../remote/client.ts';

/** Waits until the gateway has written its token and answers. @throws RN720, RN860 after the timeout. */
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
    ['status --to http://gateway:8080 --token-file token', 'shows what runs, slot by slot'],
    ['status --to http://gateway:8080 --token-file token --confirm', 'confirms the bundle that passed its trial'],
  ],
  args: {
    ...remoteArgs,
    ...group('Actions', {
      wait: number('Maximum time to wait for a gateway that is starting', { min: 0, max: 3600, hint: 's' }),
      confirm: flag('Confirm the bundle that passed its trial in --slot'),
      leaveSafeMode: flag('End safe mode, which a gateway enters after repeated crashes'),
    }),
    ...jsonArg,
  },
  async run({ args, given }) {
    if (given.has('slot') && !args.confirm)
      throw badOption('slot', args.slot, 'a name only together with --confirm; the status shows all slots');
    const { wait } = args;
    const client = await (wait === undefined ? clientOf(args) : answering(args, performance.now() + 1000 * wait));
    if (args.leaveSafeMode) await client.leaveSafeMode();
    if (args.confirm) await client.confirm(args.slot);
    const status = await client.status();
    if (args.json) return printJson(status);
    const { yellow, bold } = coloursFor(process.stdout);
    if (status.insecureUnsigned) process.stdout.write(`${yellow('INSECURE: this gateway accepts unsigned bundles')}\n`);
    if (status.safeMode)
      process.stdout.write(`${yellow('safe mode after repeated crashes: runs the confirmed bundles and starts no trial')}\n`);
    for (const slot of status.slots)
      process.stdout.write(`${bold(`slot ${slot.slot}`)}\n${slotLines(slot).map(lineText).join('')}`);
    if (status.slots.length === 0) process.stdout.write('no bundle has been installed yet\n');
  },
});
