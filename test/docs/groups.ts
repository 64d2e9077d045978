/**
 * README, CONTRIBUTING and the pages of docs/ in groups, one for each test file that runs pages: the files
 * run side by side.
 *
 * In: the repository's files.  Out: every page in exactly one group.
 */
import { allFiles } from '../sources.ts';

const rules = {
  readme: /^README\.md$/,
  tutorials: /^docs\/tutorials\//,
  howTo: /^docs\/how-to\//,
  /** They wait for gateways. */
  gateways: /^docs\/(?:gateway|streams|fleet)\.md$/,
  /** The slowest page. */
  quantisation: /^docs\/quantisation\.md$/,
  others: /^docs\/|^CONTRIBUTING\.md$/,
};

export type Group = keyof typeof rules;

/** The first rule that fits a page says its group. */
export const pagesOf = (group: Group): string[] =>
  allFiles
    .filter((file) => file.endsWith('.md'))
    .filter((file) => Object.entries(rules).find(([, rule]) => rule.test(file))?.[0] === group);
