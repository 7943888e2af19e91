import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { LabelledClip } from '@/data/video/labelled-clips.js';
import { readableClips } from '@/data/video/readable-clips.js';
import { encodeClip } from '@/data/video/write-clip.js';
import { FormatError, UsageError } from '@/errors.js';
import { countingClip } from './clips.js';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'glimpse-readable-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** A clip of a set, in a file of so many bytes of a GIF. */
async function filed(id: string, share = 1): Promise<LabelledClip> {
  const path = join(folder, id);
  const gif = await encodeClip(countingClip(4), 'gif');
  await writeFile(path, gif.subarray(0, share * gif.length));
  return { id, clip: { path }, label: 0 };
}

const ids = (clips: readonly LabelledClip[]) => clips.map(({ id }) => id);

test('clips that cannot be read are left out of their splits, and named', async () => {
  const [a, b, c, d] = await Promise.all(
    ['a.gif', 'b.gif', 'c.gif', 'd.gif'].map((id) => filed(id)),
  );
  const cut = await filed('cut.gif', 0.8);
  const gone = { id: 'gone.gif', clip: { path: join(folder, 'gone.gif') }, label: 1 };
  if (!a || !b || !c || !d) throw new Error('no clips');
  const drawn = { id: 'drawn', clip: countingClip(3), label: 1 };
  const joints = { id: 'joints', clip: { D: 2, values: new Float32Array(6) }, label: 1 };
  const notes: string[] = [];
  const splits = { train: [a, cut, b, drawn], dev: [gone, c, d, joints] };
  const left = await readableClips(splits, 'the set', (note) => notes.push(note));
  expect([ids(left.train), ids(left.dev)]).toEqual([
    ['a.gif', 'b.gif', 'drawn'],
    ['c.gif', 'd.gif', 'joints'],
  ]);
  expect(notes).toHaveLength(1);
  expect(notes[0]).toMatch(
    /^the set: 2 clips that cannot be read are left out: .*cut.gif: is a GIF that is cut short.*; .*gone.gif: cannot be read: no such file/,
  );
});

test('many of them are refused, and a set without files', async () => {
  const [a, cut] = await Promise.all([filed('a.gif'), filed('cut.gif', 0.8)]);
  const note = () => expect.fail();
  await expect(readableClips({ train: [a, cut] }, 'the set', note)).rejects.toThrow(
    new FormatError(
      'the set',
      `1 of 2 clips cannot be read, too many to leave out: is the download complete? The first: ${join(folder, 'cut.gif')}: is a GIF that is cut short: copy or download it again`,
    ),
  );
  const drawn = { id: 'drawn', clip: countingClip(3), label: 1 };
  await expect(readableClips({ train: [drawn] }, 'the set', note)).rejects.toThrow(UsageError);
});
