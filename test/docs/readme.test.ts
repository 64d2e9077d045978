/** README: its commands and examples run, and print what it says. */
import { checkPages } from './check-pages.ts';

checkPages(['README.md']);
