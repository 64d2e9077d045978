/**
 * The cards of the zoo: NOTICE has every data set with attribution and licence, the work and the clock are
 * those of the files, and every file has a card.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { planOptions } from '../host/command/load.ts';
import { readModel } from '../models/read/index.ts';
import { planStream } from '../models/stream/plan.ts';
import type { StreamPlan } from '../models/stream/types.ts';
import { readCard } from '../scripts/web/card-text.ts';
import { root } from './shared.ts';

const zoo = join(root, 'models/zoo');
const own = 'Apache-2.0';
const filesIn = (folder: string): string[] => readdirSync(join(zoo, folder));
const folders = readdirSync(zoo).filter((name) => !name.includes('.') && filesIn(name).some((file) => file.endsWith('.onnx')));
const cards = folders.map((folder) => ({ folder, ...readCard(folder) }));
const notice = readFileSync(join(root, 'NOTICE'), 'utf8').replace(/\s+/g, ' ');

test('NOTICE has every data set of the cards with its attribution and its licence, and no other', () => {
  const sets = cards.flatMap(({ folder, data }) => {
    assert.equal(data.head, ['data', 'use', 'licence', 'attribution'], folder);
    assert.ok(data.rows.length > 0 && data.rows.every((row) => row.length === 4 && row[0] && row[1] && row[2]), folder);
    return data.rows.flatMap(([name, , licence, by]) => (licence === own ? [] : [{ folder, name, licence, by }]));
  });
  for (const { folder, name, licence, by } of sets) {
    assert.ok(by, `${folder}: ${name} has no attribution`);
    const entry = `- ${folder}: ${name}. ${by}. ${licence}. Changes: `;
    assert.ok(notice.includes(entry), `NOTICE lacks: ${entry}`);
    assert.match(notice, new RegExp(`${licence?.replaceAll('.', '\\.')}: https://`), `NOTICE lacks the address of ${licence}`);
    if (licence?.startsWith('Open Data Commons'))
      assert.ok(notice.includes(`information from the ${name}, which is made available under the ODC Attribution License`), name);
  }
  assert.is(notice.split('. Changes: ').length - 1, sets.length);
  assert.ok(sets.length >= 5, `${sets.length} data sets`);
});

test('every folder with a network has a card with the licence of its weights', () => {
  assert.ok(folders.length >= 5, `${folders}`);
  for (const { folder, title, about, facts, accuracy } of cards) {
    assert.ok(title.startsWith(`${folder}: `) && about.length > 50, folder);
    assert.match(facts.get('Licence of weights and code') ?? '', new RegExp(`^${own}`), folder);
    assert.ok(accuracy.rows.length > 1, folder);
  }
});

test('work, window and hop of the cards are those of the planned files', async () => {
  for (const { folder, facts } of cards) {
    const networks = filesIn(folder).filter((name) => name.endsWith('.onnx'));
    const card = readFileSync(join(zoo, folder, 'card.md'), 'utf8');
    const plans = new Map<string, StreamPlan>();
    for (const file of networks) {
      const graph = await readModel(new Uint8Array(readFileSync(join(zoo, folder, file))));
      plans.set(file, planStream(graph, planOptions(graph, {})));
    }
    for (const [file, { macsPerHop }] of plans)
      assert.ok(card.includes(macsPerHop.toLocaleString('en')), `${file}: ${macsPerHop}`);
    const { macsPerHop, macsPerWindow, hop, window } =
      plans.get(`${folder}.onnx`) ?? (plans.get(networks[0] as string) as StreamPlan);
    const [perHop, perWindow, frames, step] = [macsPerHop, macsPerWindow, window, hop].map((n) => n.toLocaleString('en'));
    const work = facts.get('Work') ?? '';
    assert.ok(work.startsWith(`${perHop} multiply-adds per hop, `), `${folder}: ${work}, but ${perHop} per hop`);
    if (work.includes('per window'))
      assert.ok(work.includes(`, ${perWindow} per window`), `${folder}: ${work}, but ${perWindow}`);
    const clock = [...facts].find(([name]) => /[Ww]indow, hop$/.test(name))?.[1] ?? '';
    const unit = '(samples|rows|row)';
    assert.match(clock, new RegExp(`(^|, )${frames} ${unit} .*, ${step} ${unit} `), `${folder}: ${clock}`);
  }
});

test.run();
