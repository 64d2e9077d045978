/** README: its commands and examples run, and print what it says. */
import { checkPages } from './check-pages.ts';
import { pagesOf } from './groups.ts';

checkPages(pagesOf('readme'));
