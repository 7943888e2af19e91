import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

const repository = fileURLToPath(new URL('../../', import.meta.url));

export async function bundle({ entry, virtual }) {
  const built = await rolldown({
    input: entry,
    cwd: repository,
    platform: 'browser',
    // Its paths are those of Node.
    tsconfig: false,
    transform: { target: 'es2022' },
    resolve: {
      alias: {
        '#platform': `${repository}src/engine/platform-browser.ts`,
        '#onnx-runtime': `${repository}src/models/encoders/onnx-runtime-browser.ts`,
        '@': `${repository}src`,
        '@test': `${repository}test`,
      },
      extensionAlias: { '.js': ['.ts', '.js'] },
    },
    // What cannot be resolved is reported by the caller, from `imports`.
    logLevel: 'silent',
    plugins: virtual === undefined ? [] : [virtualModule(entry, virtual)],
  });
  const { output } = await built.generate({ format: 'es', codeSplitting: false });
  // A module that is imported when it is needed lies in the same chunk.
  const own = output.map((chunk) => chunk.fileName);
  const imports = output
    .flatMap((chunk) => [...chunk.imports, ...chunk.dynamicImports])
    .filter((name) => !own.includes(name));
  const script = await built.generate({ format: 'iife', name: 'glimpse', codeSplitting: false });
  await built.close();
  return { code: script.output[0].code, modules: script.output[0].moduleIds, imports };
}

function virtualModule(name, source) {
  return {
    name: 'virtual-entry',
    resolveId: (id) => (id === name ? `${repository}${name}` : undefined),
    load: (id) => (id === `${repository}${name}` ? source : undefined),
  };
}
