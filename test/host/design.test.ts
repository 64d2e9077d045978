/** The design of pages and SVGs: readable colours, and SVGs that work without a page, light and dark. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Colour, colours, series, standalone, variables } from '../../host/report/design/palette.ts';
import { plotRun } from '../../host/report/plot.ts';

/** Relative luminance and contrast. Source: WCAG 2.2. */
function luminance(hex: string): number {
  const value = Number.parseInt(hex.slice(1), 16);
  const parts = [value >> 16, (value >> 8) & 255, value & 255].map((byte) => {
    const x = byte / 255;
    return x <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number];
  return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2];
}
function contrast(a: string, b: string): number {
  const [low, high] = [luminance(a), luminance(b)].sort((x, y) => x - y) as [number, number];
  return (high + 0.05) / (low + 0.05);
}

test('text has a contrast of at least 4.5 on paper and on faint backgrounds', () => {
  const texts = ['ink', 'soft', 'accent', 'good', 'bad', ...series] as Colour[];
  for (const side of [0, 1] as const)
    for (const name of texts)
      for (const ground of ['paper', 'faint'] as const) {
        // names of lines are on paper only
        if (ground === 'faint' && name.startsWith('series')) continue;
        const found = contrast(colours[name][side], colours[ground][side]);
        assert.ok(found >= 4.5, `${name} on ${ground}, ${side ? 'dark' : 'light'}: ${found.toFixed(2)}`);
      }
  for (const name of Object.keys(colours)) assert.is(variables.split(`--${name}:`).length, 3, name);
});

test('a standalone SVG has light colours, and dark ones if the reader prefers them', async () => {
  const svg = standalone('<svg><path stroke="var(--wave)"/><g class="x"/></svg>', '.x { fill: var(--bad); }');
  assert.not.match(svg, /var\(/);
  const [light = '', dark = ''] = svg.split('@media (prefers-color-scheme: dark)');
  assert.ok(light.includes(`.x { fill: ${colours.bad[0]}; }`) && dark.includes(`.x { fill: ${colours.bad[1]}; }`));
  assert.ok(svg.includes(`<path stroke="${colours.wave[0]}"/>`));
  assert.ok(dark.includes(`[stroke="${colours.wave[0]}"] { stroke: ${colours.wave[1]}; }`));
  const values = [1, 2, 3];
  const plot = await plotRun({ title: 'a', input: [{ name: 'x', values }], outputs: [{ name: 'y', values }], times: [0, 1, 2] });
  assert.not.match(plot, /var\(--(?!plot)/);
  assert.match(plot, /prefers-color-scheme: dark/);
});

test.run();
