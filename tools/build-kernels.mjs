// Compiles kernels/ to one WebAssembly module and writes it, with the types of its exports, as a
// TypeScript file: it then loads the same way in Node, in a bundler and in a page, with no fetch.
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const output = join(root, 'src/engine/kernels.generated.ts');
const sources = readdirSync(join(root, 'kernels')).filter((name) => name.endsWith('.ts'));

const newest = Math.max(
  statSync(fileURLToPath(import.meta.url)).mtimeMs,
  statSync(join(root, 'kernels')).mtimeMs,
  ...sources.map((name) => statSync(join(root, 'kernels', name)).mtimeMs),
);
const built = statSync(output, { throwIfNoEntry: false })?.mtimeMs ?? 0;
if (built <= newest || process.argv.includes('--force')) await build();

async function build() {
  const { default: asc } = await import('assemblyscript/asc');
  const folder = mkdtempSync(join(tmpdir(), 'glimpse-kernels-'));
  const { error, stderr } = await asc.main([
    join(root, 'kernels/index.ts'),
    '--outFile',
    join(folder, 'kernels.wasm'),
    '--bindings',
    'raw',
    '--runtime',
    'stub',
    '--importMemory',
    '--initialMemory',
    '1',
    '--memoryBase',
    '1024',
    '--optimizeLevel',
    '3',
    '--shrinkLevel',
    '0',
    '--converge',
    '--noAssert', '--debug',
    '--enable',
    'simd',
  ]);
  if (error) {
    process.stderr.write(stderr.toString());
    throw error;
  }
  const wasm = readFileSync(join(folder, 'kernels.wasm'));
  const types = readFileSync(join(folder, 'kernels.d.ts'), 'utf8');
  rmSync(folder, { recursive: true });
  mkdirSync(join(root, 'src/engine'), { recursive: true });
  writeFileSync(
    output,
    `// Written by tools/build-kernels.mjs from kernels/. Do not edit.
import type { HeapArray } from './heap.js';

/** The exports of the compiled kernels. */
export interface Kernels {
${signatures(types)}
}
/** The compiled module, base64 (${wasm.length} bytes). */
export const kernelsBase64: string =
  '${wasm.toString('base64')}';
`,
  );
  console.log(
    `kernels: ${sources.length} files, ${(wasm.length / 1024).toFixed(0)} KiB of WebAssembly`,
  );
}

/**
 * The compiler's declarations as interface members. It documents each parameter with its kernel
 * type: a `usize` is a pointer, which callers pass as an array on the heap.
 */
function signatures(declarations) {
  const lines = [];
  let pointers = new Set();
  for (const line of declarations.split('\n')) {
    const parameter = line.match(/@param (\w+) `(\w+)`/);
    if (parameter?.[2] === 'usize') pointers.add(parameter[1]);
    const found = line.match(/export function (\w+\([^)]*\): \w+);/);
    if (found) {
      lines.push(
        `  ${found[1].replace(/(\w+): number/g, (same, name) => (pointers.has(name) ? `${name}: HeapArray` : same))};`,
      );
      pointers = new Set();
    }
  }
  return lines.join('\n');
}
