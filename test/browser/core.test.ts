import { existsSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import vm from 'node:vm';
import { expectClose } from '@test/bounds.js';
import { expect, test } from 'vitest';
import { Engine, useEngine } from '@/engine/engine.js';
import { bundle } from './bundle.mjs';
import { findChromium, runInChromium, runWithThreads } from './chromium.mjs';
import { type LstmRun, runLstm } from './entry.js';

const source = fileURLToPath(new URL('../../src/', import.meta.url));

/** The rooms that have to work in a page, in every file but those that open files or libraries. */
const rooms = [
  'engine',
  'tensor',
  'autograd',
  'layers',
  'models',
  'decoding',
  'metrics',
  'captioning',
];
const forNode =
  /(platform-node|require-node|open-file|onnx-weights|onnx-runtime-node|wordnet-package)\.ts$/;
const files = rooms
  .filter((room) => existsSync(`${source}${room}`))
  .flatMap((room) =>
    readdirSync(`${source}${room}`, { recursive: true, encoding: 'utf8' }).map(
      (name) => `src/${room}/${name.replaceAll('\\', '/')}`,
    ),
  )
  .filter((path) => path.endsWith('.ts') && !forNode.test(path));

/** The globals that pages have and the kernels' loader needs; none of Node's. */
const inPage = () => vm.createContext({ atob, performance });

test('every file of the core is bundled for a browser without anything of Node', async () => {
  const virtual = files.map((path, i) => `export * as m${i} from './${path}';`).join('\n');
  const { code, modules, imports } = await bundle({ entry: 'core-entry.js', virtual });
  expect(imports).toEqual([]);
  expect(modules.filter((id) => id.includes('platform-node'))).toEqual([]);
  expect(modules.length).toBeGreaterThan(files.length);
  // Loading runs the top level of every module, where `process` or `Buffer` would be missing.
  const loaded = vm.runInContext(`${code};Object.keys(glimpse).length`, inPage());
  expect(loaded).toBe(files.length);
  const used = code.match(/\b(process|Buffer|__dirname|global)\s*[.[]|\brequire\(/g);
  expect(used).toBeNull();
});

test('the package’s entry is bundled for a browser without anything of Node, and loads', async () => {
  const { code, modules, imports } = await bundle({ entry: `${source}index.ts` });
  expect(imports).toEqual([]);
  // mediabunny is loaded where a page reads a video.
  expect(
    modules.filter((id) => /-node\.ts$|node_modules\/(?!(?:zod|mediabunny)\/)/.test(id)),
  ).toEqual([]);
  const loaded = vm.runInContext(
    `${code};[glimpse.Captioner, glimpse.lstm, glimpse.PhotoCaptioner].map((f) => typeof f)`,
    inPage(),
  );
  expect([...loaded]).toEqual(['function', 'function', 'function']);
  const small = await bundle({
    entry: 'layers-entry.js',
    virtual: "export { lstm } from './src/index.ts';",
  });
  // What is not used stays out: no captioner, no zod, no safetensors.
  expect(small.code.length).toBeLessThan(code.length / 2);
});

test('a builtin would be noticed', async () => {
  const { imports } = await bundle({
    entry: 'bad-entry.js',
    virtual: "import { readFileSync } from 'node:fs'; export const read = readFileSync;",
  });
  expect(imports).toEqual(['node:fs']);
});

test('the bundle computes in a context without Node what the SIMD kernels compute here', async () => {
  const entry = fileURLToPath(new URL('entry.ts', import.meta.url));
  const { code } = await bundle({ entry });
  const text = vm.runInContext(`${code};JSON.stringify(glimpse.runLstm())`, inPage());
  const there: LstmRun = JSON.parse(text);
  expect([there.engine, there.absent]).toEqual(['simd', 'a browser has no system BLAS']);
  const before = useEngine(new Engine());
  const here = runLstm();
  useEngine(before);
  expect(here.engine).toBe('simd');
  expect(there.results).toEqual(here.results);
});

const chromium = findChromium();
if (!chromium) console.warn('no Chromium found (set CHROME to the path of one): no page is tested');

test.skipIf(!chromium)('a page in Chromium computes the same', async () => {
  if (!chromium) return;
  const { page, node } = await runInChromium(chromium);
  expect(page.engine).toBe('simd');
  expect(Object.keys(page.results)).toEqual(['value', 'x', 'h0', 'c0', 'Wx', 'Wh', 'b']);
  for (const [name, expected] of Object.entries(node.results)) {
    const actual = page.results[name] ?? [];
    expect(actual.length, name).toBe(expected.length);
    // A few steps of a small cell, on Node by whatever computes products there.
    expectClose(actual, expected, { dtype: 'f32', terms: 200 }, name);
  }
});

test.skipIf(!chromium)('an isolated page shares the work, and computes the same', async () => {
  if (!chromium) return;
  const run = await runWithThreads(chromium, true);
  expect([run.threads, run.absent]).toEqual([3, '']);
  expect(run.computed).toBeGreaterThan(0);
  expect(Object.keys(run.shared)).toEqual(['value', 'x', 'h0', 'c0', 'Wx', 'Wh', 'b']);
  expect(run.shared).toEqual(run.alone);
});

test.skipIf(!chromium)(
  'a page that is not isolated asks for threads and goes on with one',
  async () => {
    if (!chromium) return;
    const run = await runWithThreads(chromium, false);
    expect(run).toMatchObject({
      threads: 1,
      absent: 'the page is not cross-origin isolated, so it may not share memory',
      computed: 0,
    });
    expect(run.shared).toEqual(run.alone);
  },
);
