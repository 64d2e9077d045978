/**
 * "Did you mean": finds the known word that is most similar to an unknown one.
 *
 * In: a word, known words.  Out: the known word at the smallest edit distance; undefined if it is too large.
 */

/**
 * Returns the edit distance: insertions, deletions, replacements and swaps of neighbours (optimal string
 * alignment).
 */
export function distance(a: string, b: string): number {
  const rows = [Array.from({ length: b.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= a.length; i++) {
    const [before, last] = [rows[i - 2], rows[i - 1] as number[]];
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      row[j] = Math.min((last[j] as number) + 1, (row[j - 1] as number) + 1, (last[j - 1] as number) + same);
      if (before && i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        row[j] = Math.min(row[j] as number, (before[j - 2] as number) + 1);
    }
    rows.push(row);
  }
  return rows[a.length]?.[b.length] as number;
}

/** Accepts up to a third of wrong letters, or a word that is the beginning of a known one. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  if (word.length > 64) return undefined;
  const ranked = known.map((name) => ({ name, far: distance(word, name) })).sort((a, b) => a.far - b.far);
  const [best] = ranked;
  if (best && best.far <= Math.max(1, Math.floor(word.length / 3))) return best.name;
  return word.length >= 2 ? known.find((name) => name.startsWith(word)) : undefined;
}
