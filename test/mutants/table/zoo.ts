/** Faults in the cards of the zoo, in NOTICE, in the page that shows them, and in the teacher of kws. */
import { inFolder } from '../mutant.ts';

export const zoo = [
  ...inFolder('', [
    {
      id: 'notice-attribution',
      file: 'NOTICE',
      find: 'kws: Speech Commands v0.01 and v0.02. Pete Warden, arXiv 1804.03209.',
      replace: 'kws: Speech Commands v0.01 and v0.02.',
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
      find: '257,952 multiply-adds per hop',
      replace: '257,925 multiply-adds per hop',
      tests: 'zoo-cards',
      why: 'a card states another work than the plan',
    },
  ]),
  ...inFolder('models/zoo/kws', [
    {
      id: 'wake-sentences-judged',
      file: 'texts.py',
      find: 'found[::2] if part == "tune" else found[1::2]',
      replace: 'found',
      tests: 'wake-word/rules',
      why: 'the sentences that choose the cutoff of a wake word judge the bundle',
    },
  ]),
  ...inFolder('scripts/web', [
    {
      id: 'zoo-page-model',
      file: 'cards.ts',
      find: 'for (const name of new Set(models.map((model) => model.folder))) {',
      replace: 'for (const name of new Set(models.slice(1).map((model) => model.folder))) {',
      tests: 'zoo-page',
      why: 'a model of the zoo has no card on the page',
    },
    {
      id: 'zoo-page-accuracy',
      file: 'card-text.ts',
      find: "accuracy: file.table('Accuracy'),",
      replace: "accuracy: { ...file.table('Accuracy'), rows: file.table('Accuracy').rows.slice(1) },",
      tests: 'zoo-page',
      why: 'the page leaves out a row of a card',
    },
    {
      id: 'zoo-page-bytes',
      file: 'cards.ts',
      find: "bundle.manifest.bytes.memoryBytes.toLocaleString('en')",
      replace: "bundle.manifest.bytes.stateBytes.toLocaleString('en')",
      tests: 'zoo-page',
      why: 'the page shows the bytes of something else',
    },
    {
      id: 'zoo-page-gate',
      file: 'zoo.ts',
      find: '    ...(gate && { gate }),\n',
      replace: '',
      tests: 'zoo-page',
      why: 'the pair of the page has no gate',
    },
  ]),
];
