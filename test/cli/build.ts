import { execFileSync } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const repository = fileURLToPath(new URL('../../', import.meta.url));

/** Builds dist/ when a source is newer: a fresh clone's `npm test` needs no other command first. */
export default function setup(): void {
  const sources = readdirSync(join(repository, 'src'), { recursive: true, encoding: 'utf8' });
  const inputs = sources.map((path) => join(repository, 'src', path));
  const newest = Math.max(...inputs.map((path) => statSync(path).mtimeMs));
  const built = statSync(join(repository, 'dist/.tsbuildinfo'), { throwIfNoEntry: false });
  if (built && built.mtimeMs >= newest) return;
  execFileSync('npm', ['run', '--silent', 'build'], {
    cwd: repository,
    stdio: ['ignore', 'inherit', 'inherit'],
    shell: process.platform === 'win32',
  });
}
