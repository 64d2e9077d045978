/**
 * The colours of every page and SVG, light and dark; no other file defines colours. Has no Node import: the
 * web page's canvases use the same names.
 *
 * In: nothing.  Out: colours by name as CSS variables, and as the style of an SVG file. Text colours have a
 * contrast of at least 4.5 on `paper` and `faint` (WCAG 2.2 AA), which test/host/design.test.ts checks.
 */

/** Name: [light, dark]. `new` to `past` colour kinds of rows in a plan's figure, and parts in others. */
export const colours = {
  paper: ['#fdfdfb', '#16181b'],
  ink: ['#23262b', '#e4e5e3'],
  soft: ['#5f656d', '#a2a8ae'],
  line: ['#dcdfe2', '#34383d'],
  faint: ['#f1f2f1', '#1e2124'],
  accent: ['#b8471a', '#ec8452'],
  wave: ['#36719f', '#5b98c8'],
  good: ['#2c7a53', '#6bb48c'],
  bad: ['#a32b2b', '#ee8f8f'],
  'bad-back': ['#f9e4df', '#3d2020'],
  truth: ['#858c94', '#7d858d'],
  new: ['#d1602b', '#e87b47'],
  left: ['#e3a336', '#e5b04f'],
  right: ['#b3517d', '#cf77a0'],
  whole: ['#c3aa8a', '#8d7a63'],
  held: ['#36719f', '#5b98c8'],
  queued: ['#7fb4d6', '#3d6d8f'],
  folded: ['#4d9a86', '#4f9c88'],
  past: ['#dfe4e8', '#2d3237'],
  fresh: ['#f8ece5', '#2b221f'],
  'series-0': ['#b8471a', '#ec8452'],
  'series-1': ['#36719f', '#5b98c8'],
  'series-2': ['#2f7a68', '#5fb39c'],
  'series-3': ['#b3517d', '#cf77a0'],
  'series-4': ['#8f6208', '#dda94a'],
  'series-5': ['#6a5fb0', '#948ad8'],
  'series-6': ['#517828', '#8fb85a'],
  'series-7': ['#237884', '#56b6c4'],
  'series-8': ['#97603a', '#c08e64'],
  'series-9': ['#8a4fa0', '#b883cc'],
} as const satisfies Record<string, readonly [light: string, dark: string]>;

export type Colour = keyof typeof colours;

/** Colours of the lines or classes of a figure, in order. */
export const series = (Object.keys(colours) as Colour[]).filter((name) => name.startsWith('series-'));

/** Colour ramps from quiet to loud, light and dark, for the rows of an audio front end. */
const ramps = ['#f1f2f1 #e9dccb #e3b079 #d1602b #84304a #2b1c33', '#1e2124 #2c2540 #6b2f57 #b8463f #e87b47 #fbe3b4'] as const;

/** Returns a colour for CSS and for SVG attributes in a page. */
export const colour = (name: Colour): string => `var(--${name})`;

const names = Object.keys(colours) as Colour[];
const declared = (side: 0 | 1): string =>
  [...names.map((name) => `--${name}: ${colours[name][side]};`), `--ramp: ${ramps[side]};`].join(' ');

/** CSS variables of a page; they follow the reader's light or dark preference. */
export const variables = `:root { color-scheme: light dark; ${declared(0)} }
@media (prefers-color-scheme: dark) { :root { ${declared(1)} } }
`;

const named = (text: string, side: 0 | 1): string =>
  text.replace(/var\(--([a-z0-9-]+)\)/g, (whole, name: string) => colours[name as Colour]?.[side] ?? whole);

/**
 * Turns an SVG of a page into an SVG file. Attributes and style have the light colours, so that viewers
 * without CSS variables show them. A style sheet has the dark colours, for viewers that know the preference.
 * @param svg text of an <svg> element, with colours as var(--name). @param style CSS rules for it, with the
 * same form of colours.
 */
export function standalone(svg: string, style = ''): string {
  const attributes = names.flatMap((name) =>
    (['fill', 'stroke'] as const).flatMap((kind) =>
      svg.includes(`${kind}="var(--${name})"`) ? [`[${kind}="${colours[name][0]}"] { ${kind}: ${colours[name][1]}; }`] : [],
    ),
  );
  const rules = `svg { color: ${colour('ink')}; }\n${style}`;
  const dark = `@media (prefers-color-scheme: dark) { ${[...attributes, named(rules, 1)].join(' ')} }`;
  const at = svg.indexOf('>') + 1;
  return `${svg.slice(0, at)}<style>${named(rules, 0)}\n${dark}</style>${named(svg.slice(at), 0)}`;
}
