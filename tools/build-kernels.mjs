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
/** The exports of the compiled kernels; pointers are byte offsets into the heap. */
export interface Kernels {
${signatures(types)}
}
/** The compiled module, base64 (${wasm.length} bytes). */
export const kernelsBase64 =
  '${wasm.toString('base64')}';
`,
  );
  console.log(
    `kernels: ${sources.length} files, ${(wasm.length / 1024).toFixed(0)} KiB of WebAssembly`,
  );
}

/** `export declare function f(a: number): void;` becomes the interface member `f(a: number): void;` */
function signatures(declarations) {
  const body = declarations.slice(declarations.indexOf('declare namespace __AdaptedExports {'));
  const found = body.matchAll(/export function (\w+\([^)]*\): \w+);/g);
  return [...found].map(([, signature]) => `  ${signature};`).join('\n');
}
