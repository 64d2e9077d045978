/**
 * runlet completion: prints a script for a shell that completes commands, options, and their values.
 *
 * In: the declarations of all verbs.  Out: the script on stdout. It does not run Runlet, so completion is
 * fast.
 */
import { isRunletError } from '../../models/error.ts';
import { print, printJson } from '../command/args.ts';
import { argument, choice, jsonArg } from '../command/options.ts';
import { defineVerb } from '../command/verb.ts';
import { bashScript } from './completion/bash.ts';
import { fishScript } from './completion/fish.ts';
import type { Completed } from './completion/types.ts';
import { zshScript } from './completion/zsh.ts';
import { loadVerb, verbs } from './verbs.ts';

const scripts = { bash: bashScript, zsh: zshScript, fish: fishScript };
const shells = Object.keys(scripts) as (keyof typeof scripts)[];

/** Returns all verbs with their options. */
export async function completed(): Promise<Completed[]> {
  const all: Completed[] = [];
  for (const [name, about] of Object.entries(verbs)) {
    // a verb whose package is not installed is completed by its name only
    const verb = await loadVerb(name).catch((error: unknown) => {
      if (isRunletError(error)) return undefined;
      throw error;
    });
    all.push({ name, about, options: verb?.args ?? {} });
  }
  return all;
}

export default defineVerb({
  examples: [
    ['completion bash > ~/.local/share/bash-completion/completions/runlet', 'for bash; takes effect in new shells'],
    ['completion zsh > ~/.zfunc/_runlet', 'for zsh, if ~/.zfunc is in fpath'],
    ['completion fish > ~/.config/fish/completions/runlet.fish', 'for fish'],
  ],
  args: { shell: argument(choice('Shell', shells)), ...jsonArg },
  async run({ args: { shell, json } }) {
    const script = scripts[shell](await completed());
    if (json) return printJson({ shell, script });
    await print(script);
  },
});
