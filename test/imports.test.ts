import { readdirSync, readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

/** The rooms in the order in which data flows: a file imports from its own and from those above. */
const rooms: readonly (readonly string[])[] = [
  ['errors.ts', 'random.ts', 'version.ts'],
  ['engine'],
  ['tensor'],
  ['autograd'],
  ['layers'],
  // The rooms of data, in their own order; what two of them need stands beside them.
  ['data/formats'],
  ['data/text'],
  ['data/pictures'],
  ['data/source.ts', 'data/splits.ts', 'data/dataset-settings.ts'],
  ['data/captions'],
  ['data/labels'],
  ['data/video'],
  ['data/index.ts'],
  ['motion'],
  ['decoding'],
  ['models'],
  ['features'],
  ['metrics'],
  ['training'],
  ['report'],
  ['tasks'],
  // The doors of the package, and the command line, which comes in beside them.
  ['index.ts', 'node.ts'],
  ['cli'],
];

/** The only files that may import anything of Node; all others run in a browser. */
const ofNode = new Set([
  'data/captions/caption-table.ts',
  'data/captions/coco.ts',
  'data/captions/cs231n.ts',
  'data/captions/dataset.ts',
  'data/captions/flickr8k.ts',
  'data/captions/karpathy.ts',
  'data/formats/files.ts',
  'data/formats/folders.ts',
  'data/formats/hdf5-worker.ts',
  'data/formats/hdf5.ts',
  'data/formats/locate-files.ts',
  'data/formats/processes.ts',
  'data/formats/stored-bytes.ts',
  'data/formats/tables.ts',
  'data/formats/work-lock.ts',
  'data/formats/write-files.ts',
  'data/labels/cifar10.ts',
  'data/labels/class-folders.ts',
  'data/labels/labelled-dataset.ts',
  'data/labels/mnist.ts',
  'data/labels/picture-arrays.ts',
  'data/pictures/photo-files.ts',
  'data/video/class-names.ts',
  'data/video/clip-arrays.ts',
  'data/video/clip-caption-dataset.ts',
  'data/video/clip-dataset.ts',
  'data/video/clip-files.ts',
  'data/video/clip-folders.ts',
  'data/video/clip-lists.ts',
  'data/video/clip-table.ts',
  'data/video/ffmpeg.ts',
  'data/video/frame-folders.ts',
  'data/video/kinetics.ts',
  'data/video/locate-clips.ts',
  'data/video/msr-vtt.ts',
  'data/video/msvd.ts',
  'data/video/read-clip.ts',
  'data/video/something-something.ts',
  'engine/platform-node.ts',
  'engine/require-node.ts',
  'features/array-files.ts',
  'features/extract-frames.ts',
  'features/extract.ts',
  'features/given-encoder.ts',
  'features/open-features.ts',
  'features/partial-features.ts',
  'models/encoders/open-file.ts',
  'report/assets.ts',
  'tasks/captioner/report.ts',
  'tasks/captioner/requested-pipeline.ts',
  'tasks/classifier/watch.ts',
  'tasks/frame-features.ts',
  'tasks/video-captioner/report.ts',
  'tasks/video-classifier/report.ts',
  'tasks/video-classifier/watch.ts',
  'tasks/watched.ts',
  'training/log.ts',
  'training/run-folder.ts',
]);

/** The imports that package.json resolves by platform, as they are in Node. */
const byPlatform: Readonly<Record<string, string>> = {
  '#platform': 'engine/platform-node.ts',
  '#onnx-runtime': 'models/encoders/onnx-runtime-node.ts',
};

const source = fileURLToPath(new URL('../src/', import.meta.url));
const files = readdirSync(source, { recursive: true, encoding: 'utf8' })
  .map((path) => path.replaceAll('\\', '/'))
  .filter((path) => path.endsWith('.ts'));

/** What a module names in its imports, types and dynamic imports included. */
function specifiers(code: string): string[] {
  const statements = code.matchAll(/^(?:import|export)\b(?:[^;]*?\bfrom)? '([^']+)'/gm);
  const dynamic = code.matchAll(/\bimport\('([^']+)'\)/g);
  return [...statements, ...dynamic].map(([, specifier = '']) => specifier);
}

const imports = new Map(
  files.map((path) => [path, specifiers(readFileSync(`${source}${path}`, 'utf8'))]),
);

/** The files of src/ that a file imports. */
function importedBy(path: string): string[] {
  return (imports.get(path) ?? []).flatMap((specifier) => {
    const resolved = byPlatform[specifier];
    if (resolved !== undefined) return [resolved];
    if (!specifier.startsWith('.')) return [];
    return [posix.join(posix.dirname(path), specifier).replace(/\.js$/, '.ts')];
  });
}

const levelOf = (path: string) =>
  rooms.findIndex((names) => names.some((name) => path === name || path.startsWith(`${name}/`)));

test('the imports are found', () => {
  const code = `import { a,\n b } from './a.js';\nimport './b.js';\nexport * from './c.js';\nimport type { D } from 'd';\nconst e = import('./e.js');`;
  expect(specifiers(code)).toEqual(['./a.js', './b.js', './c.js', 'd', './e.js']);
  expect(files.length).toBeGreaterThan(50);
  const missing = files.flatMap(importedBy).filter((path) => !imports.has(path));
  expect(missing).toEqual([]);
});

test('nothing is imported in a circle', () => {
  const done = new Set<string>();
  const circles: string[] = [];
  const visit = (path: string, trail: readonly string[]) => {
    if (trail.includes(path)) {
      circles.push([...trail.slice(trail.indexOf(path)), path].join(' -> '));
    } else if (!done.has(path)) {
      for (const next of importedBy(path)) visit(next, [...trail, path]);
      done.add(path);
    }
  };
  for (const path of files) visit(path, []);
  expect(circles).toEqual([]);
});

test('a room imports only from the rooms above it', () => {
  expect(files.filter((path) => levelOf(path) < 0)).toEqual([]);
  const upwards = files.flatMap((path) =>
    importedBy(path)
      .filter((other) => levelOf(other) > levelOf(path))
      .map((other) => `${path} -> ${other}`),
  );
  expect(upwards).toEqual([]);
});

test('only the files that are listed import anything of Node', () => {
  const found = files.filter(
    (path) =>
      !path.startsWith('cli/') &&
      imports.get(path)?.some((specifier) => specifier.startsWith('node:')),
  );
  expect(new Set(found)).toEqual(ofNode);
});

test('tests import by alias, the sources never do', () => {
  const tests = fileURLToPath(new URL('.', import.meta.url));
  const climbing = readdirSync(tests, { recursive: true, encoding: 'utf8' })
    .map((path) => path.replaceAll('\\', '/'))
    .filter((path) => path.endsWith('.ts'))
    .flatMap((path) =>
      specifiers(readFileSync(`${tests}${path}`, 'utf8'))
        .filter((specifier) => specifier.startsWith('../'))
        .filter((specifier) =>
          /^(src|test)\//.test(posix.join('test', posix.dirname(path), specifier)),
        )
        .map((specifier) => `${path}: ${specifier}`),
    );
  expect(climbing).toEqual([]);
  // Only the tests' tools know the aliases: Node, which runs the package, does not.
  const aliased = files.filter((path) =>
    imports.get(path)?.some((specifier) => /^@(test)?\//.test(specifier)),
  );
  expect(aliased).toEqual([]);
});
