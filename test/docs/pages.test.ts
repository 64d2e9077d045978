/** All other pages of docs/: their commands and examples run, and print what the pages say. */
import { allFiles } from '../sources.ts';
import { checkPages } from './check-pages.ts';

const others = /^docs\/(?:tutorials|how-to)\/|^docs\/(?:gateway|streams|fleet|quantisation)\.md$/;
checkPages(allFiles.filter((file) => /^docs\/.*\.md$/.test(file) && !others.test(file)));
