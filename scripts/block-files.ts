/**
 * Generates assembly/emit/blocks.ts, sliding-blocks.ts and kernels.ts: the parameter blocks and the list of
 * kernels, from the kernels' sources.
 *
 * In: assembly/kernels.  Out: the text of each file.  A block is an exported @unmanaged class. Its fields
 * have four bytes each, except unused ones (_...). A kernel is an exported function (p), (p, phase) or (p,
 * first, rows) of a block. The compiler computes the offsets.
 */
import ts from 'typescript';
import { nodeTools } from '../assembly/emit/compile.ts';
import { filesOf, jobOf } from '../assembly/emit/compiler.ts';

interface Field {
  name: string;
  remark: string;
}
interface Block {
  name: string;
  file: string;
  remark: string;
  base: string | undefined;
  /** Fields of the class itself, without inherited and unused ones. */
  fields: Field[];
}
interface Kernel {
  name: string;
  file: string;
  block: string;
  takes: string;
}
interface Found {
  blocks: Block[];
  kernels: Kernel[];
  constants: [name: string, value: string][];
}

const fourBytes = ['i32', 'u32', 'usize'];
const isFree = (name: string) => name.startsWith('_');
const isExported = (node: ts.HasModifiers) => node.modifiers?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword);

function blockIn(node: ts.ClassDeclaration, file: string, source: ts.SourceFile): Block {
  const { text } = source;
  const name = node.name?.text ?? '';
  const fields = node.members.filter(ts.isPropertyDeclaration).map((member): Field & { type: string } => {
    const [after] = ts.getTrailingCommentRanges(text, member.end) ?? [];
    const remark = after ? text.slice(after.pos, after.end).replace(/^\/\/\s*/, '') : '';
    return { name: member.name.getText(source), remark, type: member.type?.getText(source) ?? '' };
  });
  for (const field of fields)
    if (!isFree(field.name) && !fourBytes.includes(field.type))
      throw new Error(`${file}.ts: the type of ${name}.${field.name} is none of ${fourBytes.join(', ')}`);
  const [doc] = ts.getJSDocCommentsAndTags(node);
  return {
    name,
    file,
    remark: (ts.getTextOfJSDocComment(doc?.comment) ?? '').replace(/\s+/g, ' '),
    base: node.heritageClauses?.[0]?.types[0]?.expression.getText(source),
    fields: fields.filter((field) => !isFree(field.name)),
  };
}

/** Returns undefined if the function is not a kernel. */
function kernelIn(node: ts.FunctionDeclaration, file: string, source: ts.SourceFile): Kernel | undefined {
  const [p, ...more] = node.parameters.map(({ name, type }) => [name.getText(source), type?.getText(source) ?? '']);
  const takes = { '': 'block', phase: 'phase', 'first,rows': 'rows' }[more.map(([name]) => name).join()];
  if (p?.[0] !== 'p' || !takes || node.typeParameters || node.type?.getText(source) !== 'void') return undefined;
  return { name: node.name?.text ?? '', file, block: p[1] as string, takes };
}

/** Returns blocks, kernels and constants in the order of the files, and of the declarations in them. */
function found(): Found {
  const all: Found = { blocks: [], kernels: [], constants: [] };
  for (const [path, text] of Object.entries(nodeTools.sources())) {
    if (!path.startsWith('kernels/')) continue;
    const file = path.replace(/^kernels\/|\.ts$/g, '');
    const source = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
    for (const node of source.statements) {
      if (!ts.canHaveModifiers(node) || !isExported(node)) continue;
      if (ts.isClassDeclaration(node)) all.blocks.push(blockIn(node, file, source));
      if (ts.isFunctionDeclaration(node)) {
        const kernel = kernelIn(node, file, source);
        if (kernel) all.kernels.push(kernel);
      }
      if (ts.isVariableStatement(node))
        for (const { name, initializer } of node.declarationList.declarations)
          if (initializer && ts.isNumericLiteral(initializer) && node.declarationList.flags & ts.NodeFlags.Const)
            all.constants.push([name.getText(source), initializer.text]);
    }
  }
  return all;
}

/** Returns the offset of each field by `block_field`, and the size of each block by `block_`. */
async function offsets(blocks: Block[]): Promise<Record<string, number>> {
  const source = blocks.flatMap(({ name, file, fields }) => [
    `import { ${name} } from "./kernels/${file}";`,
    `export const ${name}_: usize = offsetof<${name}>();`,
    ...fields.map((field) => `export const ${name}_${field.name}: usize = offsetof<${name}>("${field.name}");`),
  ]);
  const files = filesOf(nodeTools, { 'module.ts': source.join('\n') });
  const job = jobOf(nodeTools, { files, target: 'interp', pages: 1 });
  const { wasm, diagnostics } = await nodeTools.assemble(job);
  if (!wasm) throw new Error(`blocks of assembly/kernels do not compile: ${diagnostics}`);
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(wasm as BufferSource & Uint8Array));
  const globals = Object.entries(exports).filter(([, value]) => value instanceof WebAssembly.Global);
  return Object.fromEntries(globals.map(([name, value]) => [name, Number((value as WebAssembly.Global).value)]));
}

const generated = 'Generated from assembly/kernels by scripts/generate.ts; do not edit.';

/** Returns a doc comment in lines of at most 110 columns. */
function comment(text: string): string[] {
  if (text.length <= 103) return [`/** ${text} */`];
  const lines = text.match(/.{1,107}(?=\s|$)/g)?.map((line) => ` * ${line.trim()}`) ?? [];
  return ['/**', ...lines, ' */'];
}

/** Sorts blocks so that each follows the one that it extends. */
function inOrder(blocks: Block[]): Block[] {
  const depth = ({ base }: Block): number => (base ? 1 + depth(blocks.find(({ name }) => name === base) as Block) : 0);
  return blocks.toSorted((a, b) => depth(a) - depth(b));
}

/** Returns one line per field with a remark; other fields share lines. */
function fieldLines(fields: Block['fields']): string[] {
  const lines: string[] = [];
  let open = false;
  for (const { name, remark } of fields) {
    const text = `${name}: number;`;
    if (open && remark === '') lines.push(`${lines.pop()} ${text}`);
    else lines.push(remark === '' ? `  ${text}` : `  ${text} // ${remark}`);
    open = remark === '';
  }
  return lines;
}

function blockLines({ name, file, remark, base, fields }: Block, at: Record<string, number>): string[] {
  const places = fields.map((field) => `${field.name}: ${at[`${name}_${field.name}`]}`);
  const all = [...(base ? [`...${base}.at`] : []), ...places].join(', ');
  return [
    ...(remark === '' ? [] : comment(remark)),
    `export interface ${name}${base ? ` extends ${base}` : ''} {`,
    ...fieldLines(fields),
    '}',
    `export const ${name}: Layout<${name}> = { name: '${name}', file: '${file}', bytes: ${at[`${name}_`]}, at: { ${all} } };`,
  ];
}

function kernelLines({ blocks, kernels, constants }: Found): string[] {
  const used = blocks.map(({ name }) => name).filter((name) => kernels.some(({ block }) => block === name));
  return [
    ...comment(`${generated} The kernels, and constants that the emitter shares with them.`),
    "import type { Kernel, Layout } from './block.ts';",
    `import { ${used.sort().join(', ')} } from './blocks.ts';`,
    '',
    ...constants.map(([name, value]) => `export const ${name} = ${value};`),
    '',
    "const kernel = <T>(file: string, block: Layout<T>, takes: Kernel<T>['takes']): Kernel<T> => ({ file, block, takes });",
    '',
    '/** All kernels, in the order of the files and of the functions in them. */',
    'export const kernels = {',
    ...kernels.map(({ name, file, block, takes }) => `  ${name}: kernel('${file}', ${block}, '${takes}'),`),
    '};',
    'export type KernelName = keyof typeof kernels;',
    'export const kernelNames = Object.keys(kernels) as KernelName[];',
    '/** The parameter block of a kernel. */',
    'export type BlockOf<K extends KernelName> = (typeof kernels)[K] extends Kernel<infer T> ? T : never;',
    '',
  ];
}

/** Returns path and text of each file. */
export async function blockFiles(): Promise<[path: string, text: string][]> {
  const all = found();
  const at = await offsets(all.blocks);
  const ordered = inOrder(all.blocks);
  const slides = ({ name, base }: Block): boolean =>
    name === 'SlidingBlock' || ordered.some((block) => block.name === base && slides(block));
  const page = (what: string, more: string[], blocks: Block[]) =>
    [
      ...comment(`${generated} Parameter blocks: fields and their offsets. ${what}`),
      ...["import type { Layout } from './block.ts';", ...more, ''],
      ...blocks.flatMap((block) => blockLines(block, at)),
      '',
    ].join('\n');
  const others = ordered.filter((block) => !slides(block));
  return [
    [
      'assembly/emit/sliding-blocks.ts',
      page('Kernels that slide, and those that extend their blocks.', [], ordered.filter(slides)),
    ],
    ['assembly/emit/blocks.ts', page('All blocks.', ["export * from './sliding-blocks.ts';"], others)],
    ['assembly/emit/kernels.ts', kernelLines(all).join('\n')],
  ];
}
