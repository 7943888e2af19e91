import { expect, test } from 'vitest';
import { drawScene } from '@/data/captions/scenes.js';
import { loadPixels } from '@/data/pictures/photos.js';
import type { Pixels } from '@/data/pictures/pixels.js';
import { ValueError } from '@/errors.js';
import { Random } from '@/random.js';
import { PhotoCaptioner } from '@/tasks/captioner/photo-captioner.js';
import { attentionModelOf, modelOf } from './models.js';

const random = new Random(3);
const pictures: Pixels[] = Array.from({ length: 4 }, () => drawScene(random, { size: 32 }).pixels);

test('a caption is its words, and its log-probability the sum of theirs and of the end', async () => {
  const captioner = await PhotoCaptioner.create(modelOf(1, 24), loadPixels);
  const options = { decoder: 'beam', nBest: 3, maxLength: 4 } as const;
  for (const { caption, logProbability, words, alternatives } of await captioner.caption(
    pictures,
    options,
  )) {
    expect(alternatives[0]).toEqual({ caption, logProbability, words });
    expect(alternatives).toHaveLength(3);
    expect(
      words
        .map(({ word }) => word)
        .join(' ')
        .replaceAll(" 's", "'s"),
    ).toBe(caption);
    const said = words.reduce((sum, word) => sum + word.logProbability, 0);
    // What is missing is the end's, when the caption did not just reach its longest length.
    if (words.length === 4) expect(logProbability).toBe(said);
    else expect(logProbability).toBeLessThan(said);
    expect(words.every((word) => !('attention' in word))).toBe(true);
  }
  expect(await captioner.caption([])).toEqual([]);
});

test('several models speak together, each of pictures in its own size, loaded once for those alike', async () => {
  const models = [modelOf(1, 24), modelOf(2, 16), modelOf(3, 24)];
  const loaded: number[] = [];
  const together = await PhotoCaptioner.create(models, (source, preprocessing) => {
    loaded.push(preprocessing.width);
    return loadPixels(source, preprocessing);
  });
  const [one = { logProbability: 0 }] = await together.caption(pictures.slice(0, 1));
  expect(loaded).toEqual([24, 16]);
  const alone = await PhotoCaptioner.create(models.slice(0, 1), loadPixels);
  const [other] = await alone.caption(pictures.slice(0, 1));
  expect(one.logProbability).not.toBeCloseTo(other?.logProbability ?? 0, 3);

  const twice = await PhotoCaptioner.create([modelOf(1, 24), modelOf(1, 24)], loadPixels);
  const [expected, found] = [await alone.caption(pictures), await twice.caption(pictures)];
  expect(found.map(({ caption }) => caption)).toEqual(expected.map(({ caption }) => caption));
});

test('models that do not know the same words cannot speak together', async () => {
  const models = [modelOf(1, 24), modelOf(2, 24, 'a', 'cat', 'runs', "'s", 'far')];
  await expect(PhotoCaptioner.create(models, loadPixels)).rejects.toThrow(ValueError);
  await expect(PhotoCaptioner.create(models, loadPixels)).rejects.toThrow(
    /word 5 is "dog" in model 1 but "cat" in model 2/,
  );
  await expect(PhotoCaptioner.create([], loadPixels)).rejects.toThrow(/at least one model/);
});

test('attention models say what they looked at for each word, together the average', async () => {
  const models = [attentionModelOf(4, 24), attentionModelOf(5, 24)];
  const options = { decoder: 'beam', nBest: 2, maxLength: 5 } as const;
  const captioner = await PhotoCaptioner.create(models, loadPixels);
  expect(captioner.attentionForm).toEqual({ form: 'weights', locations: [12, 12] });
  for (const { alternatives } of await captioner.caption(pictures, options)) {
    for (const { words } of alternatives) {
      for (const { attention } of words) {
        const weights = Array.from(attention ?? [], Number);
        expect(weights).toHaveLength(144);
        expect(weights.reduce((sum, weight) => sum + weight, 0)).toBeCloseTo(1, 5);
      }
    }
  }
  const mixed = await PhotoCaptioner.create([attentionModelOf(4, 24), modelOf(1, 24)], loadPixels);
  expect(mixed.attentionForm).toBeUndefined();
  const [one] = await mixed.caption(pictures);
  expect(one?.words.some((word) => 'attention' in word)).toBe(false);
});
