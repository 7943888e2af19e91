import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { npyFile, zipFile } from '@test/data/formats/array-files.js';
import { describeWithShared } from '@test/shared.js';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { SPLIT_NAMES, sortedValues, splitByColumn } from '@/data/splits.js';
import { classesOf } from '@/data/video/class-names.js';
import type { Clip } from '@/data/video/clip.js';
import { openClips } from '@/data/video/clip-dataset.js';
import type { ClipDataset, LabelledClip } from '@/data/video/labelled-clips.js';
import { FormatError, UsageError } from '@/errors.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'glimpse-clips-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** Writes files below the folder, with those that they lie in. */
async function put(files: Readonly<Record<string, string | Uint8Array>>): Promise<void> {
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), content);
  }
}

const open = (specification: string) =>
  openClips(specification.replace(/^(\w+:)?/, (format) => `${format}${folder}/`));

/** Ids by split. */
const ids = ({ splits }: ClipDataset) =>
  Object.fromEntries(SPLIT_NAMES.map((name) => [name, splits[name].map(({ id }) => id)]));

const drawn = ({ clip }: LabelledClip): Clip => {
  if (!('draw' in clip)) throw new Error('is not drawn');
  return clip.draw();
};

describe('a split by a column', () => {
  const context = { source: 'set', column: 'person', what: 'clip' };
  const people = fc.array(fc.constantFrom('ann', 'ben', '3', '10', 'a+b'), { minLength: 1 });
  const lists = fc.record(
    { train: fc.nat(3), dev: fc.nat(3), test: fc.nat(3) },
    { requiredKeys: [] },
  );

  test('is disjoint and complete, and no value is in two splits', () => {
    const parts = fc.array(fc.constantFrom('train', 'dev', 'test', 'rest'), {
      minLength: 5,
      maxLength: 5,
    });
    fc.assert(
      fc.property(people, parts, fc.boolean(), (column, chosen, trainIsSaid) => {
        const values = sortedValues(column);
        // A value with a plus is named alone.
        const splitOf = new Map(
          values.map((value, i) => [value, value === 'a+b' ? 'rest' : (chosen[i] ?? 'rest')]),
        );
        const list = (split: string) => values.filter((value) => splitOf.get(value) === split);
        const said = Object.fromEntries(
          ['train', 'dev', 'test']
            .filter((split) => list(split).length > 0)
            .filter((split) => split !== 'train' || trainIsSaid)
            .map((split) => [split, list(split).join('+')]),
        );
        const items = column.map((value, index) => ({ value, index }));
        if (Object.keys(said).length === 0) {
          expect(() => splitByColumn(items, ({ value }) => value, said, context)).toThrow(
            UsageError,
          );
          return;
        }
        const { splits, notes } = splitByColumn(items, ({ value }) => value, said, context);
        const placed = SPLIT_NAMES.flatMap((name) => splits[name]);
        expect(new Set(placed).size).toBe(placed.length);
        const expected = (split: string) => (split === 'rest' || (split === 'train' && !said.train) ? (said.train ? 'none' : 'train') : split);
        for (const item of items) {
          const split = expected(splitOf.get(item.value) ?? 'rest');
          const found = SPLIT_NAMES.filter((name) => splits[name].includes(item));
          expect(found).toEqual(split === 'none' ? [] : [split]);
        }
        expect(notes).toHaveLength(placed.length < items.length ? 2 : 1);
      }),
    );
    void lists;
  });
});
