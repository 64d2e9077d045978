/** README: its commands and examples run, and print what it shows. */
import { checkPages } from './check-pages.ts';
import { pagesOf } from './groups.ts';

checkPages(pagesOf('readme'));
