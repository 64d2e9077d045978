/**
 * Parses source files for the tests of the tree's rules: functions and their length, and calls whose
 * arguments are a spread list.
 *
 * In: a file's path.  Out: name and number of lines of each function, from its first line to its closing
 * brace, including methods and nested functions; texts of calls.
 */
import ts from 'typescript';
import { textOf } from './sources.ts';

/**
 * Returns the functions of a file. The outermost function of a page's script is its scope and is left out.
 */
export function functionsIn(file: string): { name: string; lines: number }[] {
  const source = ts.createSourceFile(file, textOf(file), ts.ScriptTarget.Latest, true);
  const lineAt = (position: number) => source.getLineAndCharacterOfPosition(position).line;
  const isScript = source.statements.length === 1 && ts.isExpressionStatement(source.statements[0] as ts.Statement);
  const found: { name: string; lines: number }[] = [];
  const visit = (node: ts.Node, isScope: boolean): void => {
    const isFunction = ts.isFunctionLike(node) && 'body' in node && node.body !== undefined;
    ts.forEachChild(node, (child) => visit(child, isScope && !isFunction));
    if (!isFunction || isScope) return;
    const named = node.name ?? (ts.isVariableDeclaration(node.parent) ? node.parent.name : undefined);
    const first = lineAt(node.getStart());
    found.push({ name: named?.getText() ?? `line ${first + 1}`, lines: lineAt(node.end) - first + 1 });
  };
  visit(source, isScript);
  return found;
}

/** Returns the calls of `file` whose arguments are a list of any length. */
export function spreadCalls(file: string): string[] {
  const long = /^Math\.(max|min)$|\.(push|unshift|splice|concat|fromCharCode|fromCodePoint)$/;
  const found: string[] = [];
  const source = ts.createSourceFile(file, textOf(file), ts.ScriptTarget.Latest, false);
  const visit = (node: ts.Node): void => {
    ts.forEachChild(node, visit);
    if (!ts.isCallExpression(node)) return;
    const callee = node.expression.getText(source);
    const spread = node.arguments.some((one) => ts.isSpreadElement(one) && !ts.isArrayLiteralExpression(one.expression));
    if ((spread && long.test(callee)) || /\.apply$/.test(callee)) found.push(`${file}: ${node.getText(source).slice(0, 80)}`);
  };
  visit(source);
  return found;
}
