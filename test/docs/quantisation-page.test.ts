/** The page about methods of quantisation: its commands run, and print what it shows. */
import { checkPages } from './check-pages.ts';
import { pagesOf } from './groups.ts';

checkPages(pagesOf('quantisation'));
