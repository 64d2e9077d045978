/**
 * Types of the findings of the streaming rules.
 */
export type Rule = `R${1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10 | 11 | 12 | 13 | 14}`;

/**
 * ok: the rule is kept, or does not apply. note: it costs something. warn: outputs differ from those that the
 * model was trained for. error: refused.
 */
export type Level = 'ok' | 'note' | 'warn' | 'error';

export interface RuleFinding {
  rule: Rule;
  level: Level;
  /** The code of docs/errors.md, only for errors. */
  code?: string;
  /** One line with numbers. */
  text: string;
  tryThis?: string;
}

/** A finding before its rule is known. */
export type Finding = Omit<RuleFinding, 'rule'>;
