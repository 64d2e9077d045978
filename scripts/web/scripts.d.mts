/** Types of scripts.mjs. */
export function pageScripts(options: {
  compiler: boolean;
}): Promise<{ first: Map<string, Uint8Array>; later: Map<string, Uint8Array> }>;
