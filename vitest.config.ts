import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const file = (path: string) => fileURLToPath(new URL(path, import.meta.url));

export default defineConfig({
  resolve: {
    alias: {
      '#platform': file('./src/engine/platform-node.ts'),
      '#onnx-runtime': file('./src/models/encoders/onnx-runtime-node.ts'),
      'glimpse/layers': file('./src/layers/index.ts'),
      'glimpse/models': file('./src/models/index.ts'),
      'glimpse/node': file('./src/node.ts'),
      'glimpse/training': file('./src/training/index.ts'),
      glimpse: file('./src/index.ts'),
      '@': file('./src'),
      '@test': file('./test'),
    },
  },
  test: {
    testTimeout: 60_000,
    hookTimeout: 60_000,
    pool: 'forks',
    projects: [
      {
        extends: true,
        test: { name: 'library', include: ['test/**/*.test.ts'], exclude: ['test/cli/**'] },
      },
      {
        extends: true,
        // These run the program as it is built: the setup builds it where it is out of date.
        test: {
          name: 'cli',
          include: ['test/cli/**/*.test.ts'],
          globalSetup: ['test/cli/build.ts'],
        },
      },
    ],
  },
});
