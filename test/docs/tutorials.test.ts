/** The tutorials: their commands and examples run, and print what the pages show. */
import { checkPages } from './check-pages.ts';
import { pagesOf } from './groups.ts';

checkPages(pagesOf('tutorials'));
