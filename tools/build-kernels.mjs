// Compiles kernels/ to one WebAssembly module and writes it, with the types of its exports, as a
// TypeScript file: it then loads the same way in Node, in a bundler and in a page, with no fetch.
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { exportsOf, readKernels, signaturesOf } from './kernel-sources.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const output = join(root, 'src/engine/kernels.generated.ts');
/** The module's exports: a file that only the compiler sees. */
const entry = join(root, 'kernels/exports.ts');
const folders = ['kernels', 'kernels/shared'];
const sources = folders.flatMap(typeScriptIn);

const newest = Math.max(
  ...['tools/build-kernels.mjs', 'tools/kernel-sources.mjs', ...folders, ...sources].map(
    (path) => statSync(join(root, path)).mtimeMs,
  ),
);
const built = statSync(output, { throwIfNoEntry: false })?.mtimeMs ?? 0;
if (built <= newest || process.argv.includes('--force')) await build();

async function build() {
  const kernels = readKernels(
    typeScriptIn('kernels').map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') })),
  );
  const wasm = await compile(exportsOf(kernels));
  writeFileSync(
    output,
    `// Written by tools/build-kernels.mjs from kernels/. Do not edit.
import type { HeapArray } from './heap.js';

/** The exports of the compiled kernels. */
export interface Kernels {
${signaturesOf(kernels)}
}
/** The parameters of every kernel, in order; f32 and f64 have the same. */
export const kernelParameters: Readonly<Record<string, string>> = {
${kernels.map(({ name, parameters }) => `  ${name}: '${parameters.map((parameter) => parameter.name).join(' ')}',`).join('\n')}
};
/** How a kernel's work divides, as the line above the kernel says. Arguments are named by their positions. */
export interface KernelDivision {
  /** The argument that counts the units. */
  readonly count: number;
  /** Parts begin at a multiple of this many units. */
  readonly step: number;
  /**
   * The pointers that move, from one unit to the next by so many elements times the arguments in \`by\`; an
   * element has so many \`bytes\`, or those of the kernel's type.
   */
  readonly moves: readonly {
    readonly pointer: number;
    readonly elements: number;
    readonly bytes?: number;
    readonly by: readonly number[];
  }[];
  /** The argument that is scratch memory, and the kernel that says how many bytes, \`from\` which arguments. */
  readonly scratch?: {
    readonly at: number;
    readonly bytes: string;
    readonly from: readonly number[];
  };
}
/** Every kernel that divides, but for gemm, without its element type. */
export const kernelDivisions: Readonly<Record<string, KernelDivision>> = {
${kernels
  .filter(({ division }) => division)
  .map(({ name, division }) => `  ${name}: ${JSON.stringify(division)},`)
  .join('\n')}
};
/** Set to 3, this byte of the module makes the memory that it imports a shared one. */
export const memoryFlagAt = ${memoryFlag(wasm)};
/** The compiled module, base64 (${wasm.length} bytes). */
export const kernelsBase64: string =
  '${wasm.toString('base64')}';
`,
  );
  console.log(
    `kernels: ${kernels.length} in ${sources.length} files, ${(wasm.length / 1024).toFixed(0)} KiB of WebAssembly`,
  );
}

/** The compiled module that has the exports of a source in AssemblyScript. */
async function compile(source) {
  const { default: asc } = await import('assemblyscript/asc');
  let wasm;
  const { error, stderr } = await asc.main(
    [
      'kernels/exports.ts',
      '--outFile',
      'kernels.wasm',
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
    ],
    {
      readFile(name) {
        const path = resolve(root, name);
        if (path === entry) return source;
        return existsSync(path) ? readFileSync(path, 'utf8') : null;
      },
      writeFile(_name, contents) {
        wasm = Buffer.from(contents);
      },
    },
  );
  if (!error) return wasm;
  process.stderr.write(stderr.toString());
  throw error;
}

function typeScriptIn(folder) {
  return readdirSync(join(root, folder))
    .filter((name) => name.endsWith('.ts'))
    .map((name) => `${folder}/${name}`);
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
