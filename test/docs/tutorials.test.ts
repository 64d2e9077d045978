/** The tutorials, end to end: their commands and examples run, and print what the pages say. */
import { allFiles } from '../sources.ts';
import { checkPages } from './check-pages.ts';

checkPages(allFiles.filter((file) => file.startsWith('docs/tutorials/')));
