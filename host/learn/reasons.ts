/**
 * Why a window is kept, the least useful reason first. `random`: by a draw that knows nothing of the window.
 */
export const reasons = ['drift', 'uncertain', 'disagree', 'random', 'asked'] as const;
export type Reason = (typeof reasons)[number];
