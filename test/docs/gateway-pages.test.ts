/** The pages about gateways, which wait for them: their commands run, and print what the pages say. */
import { checkPages } from './check-pages.ts';

checkPages(['docs/gateway.md', 'docs/streams.md', 'docs/fleet.md']);
