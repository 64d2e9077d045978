/** The picture of memory: regions in order, every region visible, and none past the end. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { memoryPicture } from '../../host/report/memory-picture.ts';

test('bars follow one another and fill the line in proportion', () => {
  const bytes = { weightBytes: 600, tableBytes: 200, stateBytes: 100, ioBytes: 0, scratchBytes: 100, memoryBytes: 1000 };
  const lines = memoryPicture(bytes);
  assert.equal(
    lines.map((line) => line.slice(0, 8).trim()),
    ['weights', 'tables', 'state', 'scratch'],
  );
  const bars = lines.map((line) => line.slice(8, 56));
  assert.equal(
    bars.map((bar) => [bar.indexOf('█'), bar.lastIndexOf('█') + 1]),
    [
      [0, 29],
      [28, 38],
      [38, 43],
      [43, 48],
    ],
  );
  for (const line of lines) assert.ok(line.length <= 79);
});

test('a region of one byte next to large ones still has a cell', () => {
  const bytes = { weightBytes: 1e6, tableBytes: 1, stateBytes: 1, ioBytes: 1, scratchBytes: 1, memoryBytes: 1e6 + 4 };
  for (const line of memoryPicture(bytes)) {
    assert.match(line, '█');
    assert.is(line.slice(8, 56).length, 48);
  }
});

test.run();
