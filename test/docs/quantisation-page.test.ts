/** The page about methods of quantisation, the slowest: its commands run, and print what it says. */
import { checkPages } from './check-pages.ts';

checkPages(['docs/quantisation.md']);
