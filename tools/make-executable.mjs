// npm sets the bit on install; a clone that runs its own build wants it too.
import { chmodSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

chmodSync(fileURLToPath(new URL('../dist/cli/main.js', import.meta.url)), 0o755);
