/**
 * The sign test: does one version win more windows than chance explains?
 *
 * In: numbers of windows that one version wins and loses against another; windows on which both are equal
 * count for neither.  Out: whether wins - losses >= z x sqrt(wins + losses).
 * Chance alone exceeds the default z of 2 in 2.3 % of the cases on each side. So four wins without a loss are
 * the fewest that decide. Weighted windows enter by Kish's effective number (intervals.ts).
 * Source: McNemar 1947.
 */
export const isBeyondChance = (wins: number, losses: number, z = 2): boolean =>
  wins > losses && wins - losses >= z * Math.sqrt(wins + losses);
