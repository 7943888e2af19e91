import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { onWindows, tellsCase } from '@test/file-systems.js';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { contentOf } from '@/data/formats/folders.js';
import { FileFinder, locateFiles, plainName } from '@/data/formats/locate-files.js';
import { PHOTOS, photosBelow } from '@/data/pictures/photo-files.js';
import { FileError, FormatError } from '@/errors.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'glimpse-files-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function put(...names: string[]): Promise<void> {
  for (const name of names) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), '');
  }
}

test.each([
  ['p.jpg', 'p.jpg'],
  [' ./a//p.jpg ', 'a/p.jpg'],
  ['a\\b\\p.jpg', 'a/b/p.jpg'],
  ['a/../p.jpg', 'p.jpg'],
  ['../p.jpg', '../p.jpg'],
])('the plain name of %j is %j', (name, plain) => expect(plainName(name)).toBe(plain));

describe('FileFinder', () => {
  const spellings = [
    ['p.jpg', 'p.jpg', 'as it stands'],
    ['caf\u00e9.jpg', 'cafe\u0301.jpg', 'composed letters for decomposed ones'],
    ['cafe\u0301/p.jpg', 'caf\u00e9/p.jpg', 'the same the other way, in a folder’s name'],
    ['P.JPG', 'p.jpg', 'other case'],
    ['my%20dog.jpg', 'my dog.jpg', 'percent signs'],
    ['p.jpeg', 'p.JPG', 'the longer ending'],
    ['p.jpg', 'p.jpg ', 'a space at the end'],
    ['1000268201', '1000268201.jpg', 'no ending'],
    ['a/p.jpg', 'A/p.jpg', 'a folder of other case'],
    ['100%.jpg', '100%.jpg', 'a percent sign that means itself'],
  ] as const;
  test.each(spellings.filter(([, file]) => !(onWindows && file.endsWith(' '))))(
    '%j is the file %j: %s',
    async (name, file) => {
      await put(file);
      expect(await new FileFinder(folder, PHOTOS).find(name)).toBe(join(folder, file));
    },
  );

  // Where case is not told apart, two of the files would be one.
  test.skipIf(!tellsCase)(
    'what could be several files is none, but an exact name is itself',
    async () => {
      await put('P.jpg', 'p.jpg', 'p.png');
      const finder = new FileFinder(folder, PHOTOS);
      expect(await finder.find('p.JPG')).toBeUndefined();
      expect(await finder.find('p')).toBeUndefined();
      expect(await finder.find('p.jpg')).toBe(join(folder, 'p.jpg'));
      expect(await finder.find('q/p.jpg')).toBeUndefined();
      expect(await finder.find('a/'.repeat(100_000))).toBeUndefined();
    },
  );
});

describe('what lies in folders', () => {
  test('hidden names and what systems put there are passed over, links followed, sorted', async () => {
    await put('b.jpg', '._b.jpg', '.DS_Store', '__MACOSX/x.jpg', '.hidden/x.jpg', 'sub/a.txt');
    await put('@eaDir/b.jpg/THUMB.jpg', '$RECYCLE.BIN/x.jpg', 'lost+found/x.jpg');
    await symlink(join(folder, 'sub'), join(folder, 'other'), 'junction');
    await symlink(join(folder, 'b.jpg'), join(folder, 'a.jpg'));
    await symlink(join(folder, 'gone'), join(folder, 'gone.jpg'));
    expect(await contentOf(folder)).toEqual({
      files: ['a.jpg', 'b.jpg', 'gone.jpg'],
      folders: ['other', 'sub'],
    });
    await expect(contentOf(join(folder, 'none'))).rejects.toThrow(FileError);
  });

  test('links that lead back end', async () => {
    await put('a/p.jpg', 'a/b/q.png', 'notes.txt');
    await symlink(folder, join(folder, 'a', 'b', 'back'), 'junction');
    expect(await photosBelow(folder)).toEqual([join('a', 'p.jpg'), join('a', 'b', 'q.png')]);
  });

  test('a folder that a link leads to as well is looked into on the shortest way', async () => {
    await put('a/p.jpg', 'a/b/r.jpg', 'z/q.jpg', 'y.jpg');
    await symlink(join(folder, 'z'), join(folder, 'a', 'link'), 'junction');
    expect(await photosBelow(folder)).toEqual([
      'y.jpg',
      join('a', 'p.jpg'),
      join('a', 'b', 'r.jpg'),
      join('z', 'q.jpg'),
    ]);
  });
});

describe('locateFiles', () => {
  const places = () => ({ kind: PHOTOS, source: 'table', root: folder, folders: ['.', 'images'] });

  test('in the first folder that has any; one that lacks is named with where was looked', async () => {
    await put('images/p.jpg', 'images/q.jpg');
    const { paths, notes } = await locateFiles(['p.jpg', 'Q.jpg'], places());
    expect(paths).toEqual([join(folder, 'images/p.jpg'), join(folder, 'images/q.jpg')]);
    expect(notes).toEqual([]);
    await expect(locateFiles(['p.jpg', 'r.jpg'], places())).rejects.toThrow(
      `table: 1 of 2 photos have no file: r.jpg (looked in ${join(folder, 'images')})`,
    );
  });

  test('where none is found it is said where was looked', async () => {
    const { paths, notes } = await locateFiles(['p.jpg'], places());
    expect(paths).toEqual([join(folder, 'p.jpg')]);
    expect(notes).toEqual([
      expect.stringContaining(`(p.jpg) are in none of ${folder}, ${join(folder, 'images')}`),
    ]);
  });

  test.each(['/home/me/', 'C:\\me\\', 'https://example.org/x/', 'images/'])(
    'names that all begin with %j, which is not here, are found without it',
    async (before) => {
      await put('photos/a/p.jpg', 'photos/b/q.jpg');
      const names = ['a/p.jpg', 'b/q.jpg'].map((name) => plainName(before + name));
      const set = { kind: PHOTOS, source: 'table', root: folder, folders: ['.', 'photos'] };
      for (const places of [set, { ...set, chosen: join(folder, 'photos') }]) {
        const { paths, notes } = await locateFiles(names, places);
        expect(paths).toEqual([join(folder, 'photos/a/p.jpg'), join(folder, 'photos/b/q.jpg')]);
        expect(notes).toEqual([
          `the photos are in ${join(folder, 'photos')}, not in ${plainName(before)}`,
        ]);
      }
      await expect(locateFiles([...names, plainName(`${before}r.jpg`)], set)).rejects.toThrow(
        /1 of 3 photos have no file: .*r\.jpg \(looked in .*photos\)/,
      );
    },
  );

  test('a name leads out of the set’s folder only into the folder of images=', async () => {
    await put('photos/p.jpg', 'set/images/q.jpg');
    const set = {
      kind: PHOTOS,
      source: 'table',
      root: join(folder, 'set'),
      folders: ['.', 'images'],
    };
    const outside = [plainName('../photos/p.jpg'), join(folder, 'photos/p.jpg')];
    for (const name of outside) {
      const locating = locateFiles([name], set);
      await expect(locating).rejects.toThrow(FormatError);
      await expect(locating).rejects.toThrow(/lies outside of .*set: .*,images=<folder>/);
      const { paths } = await locateFiles([name], { ...set, chosen: join(folder, 'photos') });
      expect(paths).toEqual([join(folder, 'photos/p.jpg')]);
    }
    const inside = join(folder, 'set/images/q.jpg');
    expect((await locateFiles([inside], set)).paths).toEqual([inside]);
    await expect(locateFiles(['p.jpg'], { ...set, chosen: 'none' })).rejects.toThrow(FileError);
  });
});
