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
    // A maximum is what a shared memory has to have; the module then differs by one flag.
    '--maximumMemory',
    '65536',
    '--memoryBase',
    '1024',
    '--optimizeLevel',
    '3',
    '--shrinkLevel',
    '0',
    '--converge',
    '--noAssert',
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
/** The parameters of every kernel, in order; f32 and f64 have the same. */
export const kernelParameters: Readonly<Record<string, string>> = {
${parameters(types)}
};
/** Set to 3, this byte of the module makes the memory that it imports a shared one. */
export const memoryFlagAt = ${memoryFlag(wasm)};
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

/** The names of the parameters by kernel, without the element type. */
function parameters(declarations) {
  const found = new Map();
  for (const [, name, list] of declarations.matchAll(/export function (\w+)_f\d\d\(([^)]*)\)/g)) {
    const names = [...list.matchAll(/(\w+): /g)].map(([, parameter]) => parameter).join(' ');
    if ((found.get(name) ?? names) !== names) throw new Error(`${name}: f32 and f64 differ`);
    found.set(name, names);
  }
  return [...found].map(([name, names]) => `  ${name}: '${names}',`).join('\n');
}

/**
 * Where the import of `env.memory` has its flags: after its two names and the byte for "a memory".
 * 1 says that there is a maximum, 3 that the memory is shared, too.
 */
function memoryFlag(wasm) {
  const names = Buffer.from('\x03env\x06memory\x02', 'latin1');
  const at = wasm.indexOf(names) + names.length;
  if (at < names.length || wasm[at] !== 1) throw new Error('the kernels import no bounded memory');
  return at;
}
