/** The how-to pages: their commands and examples run, and print what the pages say. */
import { allFiles } from '../sources.ts';
import { checkPages } from './check-pages.ts';

checkPages(allFiles.filter((file) => file.startsWith('docs/how-to/')));
