/** Faults in the cards of the zoo and in NOTICE. */
import { inFolder } from '../mutant.ts';

export const zoo = [
  ...inFolder('', [
    {
      id: 'notice-attribution',
      file: 'NOTICE',
      find: 'kws: Speech Commands v0.02. Pete Warden, arXiv 1804.03209.',
      replace: 'kws: Speech Commands v0.02.',
      tests: 'zoo-cards',
      why: 'NOTICE does not name the author of the data of kws',
    },
    {
      id: 'notice-licence-address',
      file: 'NOTICE',
      find: 'CC0: https://creativecommons.org/publicdomain/zero/1.0/',
      replace: '',
      tests: 'zoo-cards',
      why: 'NOTICE does not say where a licence is',
    },
    {
      id: 'card-work',
      file: 'models/zoo/kws/card.md',
      find: '433,080 multiply-adds per hop',
      replace: '433,008 multiply-adds per hop',
      tests: 'zoo-cards',
      why: 'a card states another work than the plan',
    },
  ]),
];
