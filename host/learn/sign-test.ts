/**
 * The sign test: does one version win more windows than chance explains?
 *
 * In: numbers of windows that one version wins and loses against another; windows on which both are equal
 * count for neither.  Out: whether wins - losses >= 2 x sqrt(wins + losses).
 * Chance alone exceeds two standard deviations in 2.3 % of the cases on each side. So four wins without a
 * loss are the fewest that decide. Weighted windows enter by Kish's effective number (intervals.ts).
 * Source: McNemar 1947.
 */
export const isBeyondChance = (wins: number, losses: number): boolean =>
  wins > losses && wins - losses >= 2 * Math.sqrt(wins + losses);
