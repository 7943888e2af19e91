// Bundles a fuzz run, for which Node needs no test runner, and starts it: run.mjs <entry.ts> [options].
import { mkdirSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { rolldown } from 'rolldown';

const repository = fileURLToPath(new URL('../../', import.meta.url));
const [entry = ''] = process.argv.splice(2, 1);

const folder = `${repository}node_modules/.cache/glimpse-fuzz/`;
mkdirSync(folder, { recursive: true });
const file = `${folder}${basename(entry, '.ts')}.mjs`;
const built = await rolldown({
  input: entry,
  cwd: repository,
  platform: 'node',
  // Packages are found from where the bundle lies; what older Nodes lack goes into it. `C:\` is no package.
  external: /^(?![./#\0]|[A-Za-z]:|@oxc-project|@\/|@test\/)/,
  // Its paths are those of the tests.
  tsconfig: false,
  transform: { target: 'es2022' },
  resolve: {
    alias: {
      '#platform': `${repository}src/engine/platform-node.ts`,
      '#onnx-runtime': `${repository}src/models/encoders/onnx-runtime-node.ts`,
      '@': `${repository}src`,
      '@test': `${repository}test`,
    },
    extensionAlias: { '.js': ['.ts', '.js'] },
  },
});
await built.write({ file, format: 'es', codeSplitting: false });
await built.close();

process.chdir(repository);
process.argv[1] = file;
await import(pathToFileURL(file).href);
