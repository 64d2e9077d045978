/** The tutorial from drift to a better model: its commands run, and print what the page shows. */
import { checkPages } from './check-pages.ts';
import { pagesOf } from './groups.ts';

checkPages(pagesOf('drift'));
