import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

/** Rooms and files of src/ that are still to be done. */
const notYet: readonly string[] = ['autograd', 'engine', 'layers', 'tensor'];

const source = fileURLToPath(new URL('../src/', import.meta.url));
const files = readdirSync(source, { recursive: true, encoding: 'utf8' })
  .map((path) => path.replaceAll('\\', '/'))
  .filter((path) => path.endsWith('.ts') && !path.endsWith('.generated.ts'));

/**
 * What is wrong with how a file opens; undefined where nothing is. It opens with a doc comment of its own,
 * not that of its first symbol, whose first paragraph is one sentence. Only what makes a file a program may
 * stand above it.
 */
function fault(code: string): string | undefined {
  const [, comment] =
    /^(?:#!.*\n)?\/\*\*\s([\s\S]*?)\s*\*\/\n(?=\n|import\b|export (?:type )?[{*])/.exec(code) ?? [];
  if (comment === undefined) return 'no doc comment of its own at the top';
  const lines = comment.split('\n').map((line) => line.replace(/^ *\* ?/, '').trim());
  const paragraphs = lines.join('\n').trim().split(/\n\n+/);
  const sentence = (paragraphs[0] ?? '').replaceAll('\n', ' ');
  if (!/^\S.*[^.]\.$/.test(sentence)) return `no sentence: ${sentence}`;
  // A letter alone is an initial: A. Karpathy.
  return /\w{2}[.!?] [A-Z]/.test(sentence) ? `more than one sentence: ${sentence}` : undefined;
}

test('what opens with a sentence is told from what does not', () => {
  for (const good of [
    "/** Reads photos. */\nimport { a } from './a.js';\n",
    '/** Reads photos. */\n\n/** One photo. */\nexport function read() {}\n',
    "/**\n * Reads photos,\n * as A. Karpathy does.\n *\n * More of it. And more.\n */\nexport * from './a.js';\n",
  ]) {
    expect(fault(good)).toBeUndefined();
  }
  expect(fault('/** Reads photos. */\nexport function read() {}\n')).toMatch(/no doc comment/);
  expect(fault("import { a } from './a.js';\n/** Reads photos. */\n")).toMatch(/no doc comment/);
  expect(fault('/** Reads photos */\n\nexport const a = 1;\n')).toMatch(/no sentence/);
  expect(fault('/** Reads photos. Shows them. */\n\nexport const a = 1;\n')).toMatch(
    /more than one/,
  );
});

test('every file opens with one sentence that says what it is', () => {
  const due = files.filter(
    (path) => !notYet.some((name) => path === name || path.startsWith(`${name}/`)),
  );
  expect(due.length).toBeGreaterThan(80);
  const faults = due.map((path) => {
    const found = fault(readFileSync(`${source}${path}`, 'utf8'));
    return found === undefined ? [] : `${path}: ${found}`;
  });
  expect(faults.flat()).toEqual([]);
});
