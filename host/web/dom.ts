/**
 * Helpers for the page's elements.
 *
 * In: ids, names, texts.  Out: elements.  Text is never set as HTML, because names come from files.
 */
export function byId<T extends HTMLElement>(id: string): T {
  const element = document.getElementById(id);
  if (!element) throw new Error(`the page has no element ${id}`);
  return element as T;
}

export function make<K extends keyof HTMLElementTagNameMap>(
  name: K,
  properties: Partial<HTMLElementTagNameMap[K]> = {},
  ...children: (Node | string)[]
): HTMLElementTagNameMap[K] {
  const element = Object.assign(document.createElement(name), properties);
  element.append(...children);
  return element;
}

/** Groups of a description list, one per term. */
export const pairs = (rows: [term: string, value: string, note?: string][]): HTMLElement[] =>
  rows.map(([term, value, note]) =>
    make('div', {}, make('dt', {}, term), make('dd', {}, value), ...(note ? [make('dd', { className: 'about' }, note)] : [])),
  );

/** Shows groups in a description list. If their number is the same as before, only their texts change. */
export function fillPairs(list: HTMLElement, rows: [term: string, value: string, note?: string][]): void {
  if (list.childElementCount !== rows.length) list.replaceChildren(...pairs(rows.map(([term]) => [term, '', ' '])));
  rows.forEach((texts, i) => {
    const group = list.children[i] as HTMLElement;
    for (const k of [0, 1, 2]) (group.children[k] as HTMLElement).textContent = texts[k] ?? '';
  });
}
