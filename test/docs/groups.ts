/**
 * Groups of README, CONTRIBUTING and docs/, one for each test file that runs pages; these run in parallel.
 *
 * In: the repository's files.  Out: every page in exactly one group.
 */
import { allFiles } from '../sources.ts';

const rules = {
  readme: /^README\.md$/,
  drift: /^docs\/tutorials\/drift\.md$/,
  tutorials: /^docs\/tutorials\//,
  howTo: /^docs\/how-to\//,
  /** Pages that wait for gateways. */
  gateways: /^docs\/(?:gateway|streams|fleet|cluster)\.md$/,
  /** The slowest page. */
  quantisation: /^docs\/quantisation\.md$/,
  others: /^docs\/|^CONTRIBUTING\.md$/,
};

export type Group = keyof typeof rules;

/** Returns the pages of a group. The first rule that matches a page chooses its group. */
export const pagesOf = (group: Group): string[] =>
  allFiles
    .filter((file) => file.endsWith('.md'))
    .filter((file) => Object.entries(rules).find(([, rule]) => rule.test(file))?.[0] === group);
