/**
 * CONTRIBUTING and all other pages of docs/: their commands and examples run, and print what the pages show.
 */
import { checkPages } from './check-pages.ts';
import { pagesOf } from './groups.ts';

checkPages(pagesOf('others'));
