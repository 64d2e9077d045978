/**
 * Draws figures with Observable Plot on linkedom, for pages and files. Both are loaded on first use.
 *
 * In: a label for screen readers, and Plot's options; colours are the page's variables (palette.ts).
 * Out: SVG text.
 */
export type Plot = typeof import('@observablehq/plot');
export type PlotOptions = NonNullable<Parameters<Plot['plot']>[0]>;
export type Mark = ReturnType<Plot['line']>;

export interface Drawing {
  Plot: Plot;
  draw: (label: string, options: PlotOptions) => string;
}

export async function drawing(): Promise<Drawing> {
  const [Plot, { parseHTML }] = await Promise.all([import('@observablehq/plot'), import('linkedom')]);
  const { document } = parseHTML('<html><body></body></html>') as unknown as { document: Document };
  return {
    Plot,
    draw(label, { style, ...options }) {
      const common = { background: 'none', fontSize: '12px', ...(style as object) };
      const svg = Plot.plot({ document, style: common, ...options }) as unknown as SVGElement;
      // one label for the whole figure: a screen reader would read the groups' labels instead
      for (const group of svg.querySelectorAll('[aria-label]')) group.removeAttribute('aria-label');
      svg.setAttribute('role', 'img');
      svg.setAttribute('aria-label', label);
      return svg.outerHTML;
    },
  };
}
