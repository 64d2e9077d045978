/**
 * Error codes and docs/errors.md agree, in both directions, and a code's digit is its stage.
 *
 * A code is raised if it is a string literal outside comments, and mentioned if it is anywhere in a file.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { explanations } from '../host/cli/explain.ts';
import { sourcesIn, textOf, withoutComments } from './sources.ts';

const files = sourcesIn('models', 'quant', 'assembly', 'host');
const code = new Map(files.map((file) => [file, withoutComments(textOf(file))]));
const page = textOf('docs/errors.md');
/** Headings of errors. Rules of streaming (R1 to R14) are tested in test/stages/rules.test.ts. */
const headings = [...page.matchAll(/^### (?!R\d)(.*)$/gm)].map(([, title]) => title as string);

/** Code -> files that raise it. */
const raised = new Map<string, Set<string>>();
for (const [file, text] of code)
  for (const [, found] of text.matchAll(/'(RN\d{3})'/g))
    raised.set(found as string, (raised.get(found as string) ?? new Set()).add(file));

/** Path prefixes of the files that may raise the codes of a stage. */
const stages: Record<string, string[]> = {
  1: ['models/read/'],
  2: ['models/stream/', 'models/report/'],
  3: ['models/ops/'],
  4: ['quant/'],
  // models/frontend makes the tables of a module
  5: ['assembly/emit/', 'assembly/c/', 'assembly/frontend/', 'assembly/build', 'assembly/assemble.ts', 'models/frontend/'],
  6: ['assembly/bundle/'],
  7: ['host/'],
  8: ['host/'],
  9: ['host/gateway/cluster/'],
};

/** Codes that are raised outside their stage's folder, and why. */
const exceptions: Record<string, { file: string; why: string }> = {
  RN130: { file: 'models/graph/file.ts', why: 'the .rnq reader is in the file of its writer, which has the same layout' },
  RN168: { file: 'host/web/question.ts', why: 'the page asks the user what the reader cannot know' },
  RN301: { file: 'models/graph/builder.ts', why: 'an empty output is found where the operator shape rule is called' },
  RN302: { file: 'models/graph/stateful.ts', why: 'the rows that continue from step to step depend on the whole graph' },
  RN405: {
    file: 'host/command/load.ts',
    why: 'missing calibration data is found on the command line, before the quantiser is loaded',
  },
  RN602: {
    file: 'host/session/open.ts',
    why: 'the session takes the manifest from a compiled module, and the bundle reader from bytes',
  },
};

test('every code in the code has a heading in docs/errors.md, and every heading is raised', () => {
  const mentioned = new Set(files.flatMap((file) => textOf(file).match(/\bRN\d{3}\b/g) ?? []));
  assert.equal([...mentioned].filter((c) => !headings.includes(c)).sort(), [], 'codes without a paragraph');
  assert.equal(
    headings.filter((c) => !raised.has(c)),
    [],
    'paragraphs of codes that are never raised',
  );
  assert.ok(headings.length > 80);
});

test('docs/errors.md has each code once as a heading, ascending, with a paragraph that says what to do', () => {
  for (const heading of headings) assert.match(heading, /^RN\d{3}$/);
  assert.equal(headings, [...new Set(headings)].sort());
  const found = explanations(page);
  assert.equal(
    found.map((e) => e.code),
    headings,
  );
  for (const { code, text } of found) assert.ok(text.length > 60 && /[.)]$/.test(text), `${code}: ${text}`);
});

test("a code's digit is the stage of the file that raises it", () => {
  const wrong: string[] = [];
  for (const [found, where] of raised)
    for (const file of where) {
      if (exceptions[found]?.file === file) continue;
      const allowed = stages[found[2] as string] ?? [];
      if (!allowed.some((prefix) => file.startsWith(prefix))) wrong.push(`${found} in ${file}`);
    }
  assert.equal(wrong, []);
  for (const [found, { file }] of Object.entries(exceptions))
    assert.ok(raised.get(found)?.has(file), `exception ${found} is used`);
});

/** Yields the arguments of each `new RunletError(` in a text. */
function* calls(text: string): Generator<string> {
  for (const { index } of text.matchAll(/new RunletError\(/g)) {
    const start = index + 'new RunletError('.length;
    let depth = 1;
    let at = start;
    for (; depth > 0 && at < text.length; at++) {
      const c = text[at] as string;
      if ('([{'.includes(c)) depth++;
      else if (')]}'.includes(c)) depth--;
      else if (c === "'" || c === '`') for (at++; at < text.length && text[at] !== c; at++) if (text[at] === '\\') at++;
    }
    yield text.slice(start, at - 1);
  }
}

test('every RunletError has a `what`', () => {
  let count = 0;
  for (const [file, text] of code)
    for (const args of calls(text)) {
      count++;
      const says = /^\s*[^,]+,\s*(\{[\s\S]*\bwhat\b(?!:\s*(''|"")\s*[,}])|\{\s*\.\.\.|parts\s*$)/.test(args);
      assert.ok(says, `${file}: new RunletError(${args.slice(0, 120)}`);
    }
  assert.ok(count > 80);
  const raw = files.filter((file) => /throw (?!new RunletError|new Error)['"`{]/.test(code.get(file) as string));
  assert.equal(raw, [], 'thrown values that are no errors');
});

test.run();
