/**
 * Starts the worker thread from its compiled file if there is one, else from its source. Plain JavaScript,
 * like host/cli/bin.js.
 */
import { existsSync } from 'node:fs';

const compiled = new URL('thread.js', import.meta.url);
if (existsSync(compiled)) await import(compiled.href);
else {
  const { register } = await import('tsx/esm/api');
  register();
  await import(new URL('thread.ts', import.meta.url).href);
}
