/**
 * The functions of a source file and their length, for the test that bounds it.
 *
 * In: a file's path.  Out: name and lines of each function, from its first line to its closing brace; methods
 * and functions inside others are among them. Rule: the TypeScript parser's.
 */
import ts from 'typescript';
import { textOf } from './sources.ts';

/** The function that a page's script consists of is its scope, and is left out; those inside it are not. */
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
