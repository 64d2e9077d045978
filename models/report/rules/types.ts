/**
 * What a rule of streaming says about a plan (types).
 */
export type Rule = `R${1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10 | 11 | 12 | 13 | 14}`;

/**
 * ok: kept, or of no matter here. note: costs something. warn: outputs differ from what the model was trained
 * for. error: refused.
 */
export type Level = 'ok' | 'note' | 'warn' | 'error';

export interface RuleFinding {
  rule: Rule;
  level: Level;
  /** The code of docs/errors.md, where it is an error. */
  code?: string;
  /** One line, with the numbers. */
  text: string;
  tryThis?: string;
}

/** A finding before its rule is known. */
export type Finding = Omit<RuleFinding, 'rule'>;
