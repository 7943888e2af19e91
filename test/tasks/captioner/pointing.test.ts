import { describe, expect, test } from 'vitest';
import type { CaptionedImage, NamedPlace } from '@/data/captions/captioned-images.js';
import { Vocabulary } from '@/data/text/vocabulary.js';
import { UsageError, ValueError } from '@/errors.js';
import { Captioner } from '@/models/captioner.js';
import type { AttentionConfig } from '@/models/captioner-config.js';
import { named } from '@/models/parameters.js';
import { picturePipeline } from '@/tasks/captioner/pipelines.js';
import { playPointingGame } from '@/tasks/captioner/pointing.js';

const vocabulary = Vocabulary.build([['a', 'red', 'circle', 'beside', 'blue', 'star']], {
  minimumCount: 1,
});
const size = 24;
const { preprocessing, encoder, inputs } = picturePipeline(size);

function captionerOf(attention: AttentionConfig) {
  return new Captioner({
    cell: 'gru',
    cnn: { size, filters: [2, 3] },
    featureSize: 3,
    embeddingSize: 4,
    hiddenSize: 4,
    vocabularySize: vocabulary.size,
    attention,
  });
}

/** A captioner that looks at places of its 6 x 6 by scores, whatever it sees. */
function staring(scores: ReadonlyMap<number, number>) {
  const captioner = captionerOf({ kind: 'location', locations: [6, 6], valueSize: 3, size: 1 });
  const { W, b } = named(captioner.parameters.attention, 'W', 'b');
  W.fill(0);
  for (const [place, score] of scores) b.slice(place, place + 1).fill(score);
  return { captioner, vocabulary, preprocessing, encoder, training: undefined };
}

/** The cell in row 1 and column 2 spans x from 8 to 12 and y from 4 to 8. */
const cell = { left: 8, top: 4, right: 12, bottom: 8 };
const elsewhere = { left: 14, top: 4, right: 20, bottom: 8 };
const near = { left: 11, top: 6, right: 13, bottom: 8 };

function picture(places: readonly NamedPlace[], extent = { width: size, height: size }) {
  const data = new Uint8Array(extent.width * extent.height * 3);
  const captions = ['a star', 'a red circle beside a blue star'];
  const image: CaptionedImage = {
    id: 'one',
    image: { ...extent, channels: 3, data },
    captions,
    places,
  };
  return image;
}

const places = [
  { caption: 1, word: 1, kind: 'colour', box: cell },
  { caption: 1, word: 2, kind: 'shape', box: near },
  { caption: 1, word: 5, kind: 'colour', box: elsewhere },
  { caption: 0, word: 1, kind: 'shape', box: cell },
];

async function play(place: number, images: readonly CaptionedImage[], batchSize = 100) {
  const examinee = { model: staring(new Map([[place, 9]])), inputs: await inputs(images) };
  return playPointingGame([examinee], images, { batchSize });
}

describe('playPointingGame', () => {
  test('counts the words whose place is known, each in its caption', async () => {
    const report = await play(8, [picture(places), picture([])], 1);
    expect(report).toMatchObject({ count: 4, hits: 3, strictHits: 2, tolerance: { x: 2, y: 2 } });
    expect(report.kinds).toMatchObject({
      colour: { count: 2, hits: 1 },
      shape: { count: 2, hits: 2, strictHits: 1 },
    });
    expect(await play(10, [picture(places)])).toMatchObject({ count: 4, hits: 1 });
  });

  test('counts the heaviest cell beside the smoothed heat map', async () => {
    // Place 8 is the heaviest, but most of the heat lies at 10, 11, 16 and 17: about x 20, y 8.
    const around = new Map([
      [8, 3],
      ...[10, 11, 16, 17].map((place): [number, number] => [place, 2.8]),
    ]);
    const examinee = { model: staring(around), inputs: await inputs([picture(places)]) };
    const report = await playPointingGame([examinee], [picture(places)]);
    expect(report).toMatchObject({ count: 4, hits: 1, strictHits: 1 });
    expect(report.heaviest).toEqual({ count: 4, hits: 3, share: 0.75, strictHits: 2 });
  });

  test('of a window is played by its middle, without tolerance', async () => {
    const captioner = captionerOf({
      kind: 'spatial-transformer',
      locations: [6, 6],
      valueSize: 3,
      size: 1,
    });
    const { b } = named(captioner.parameters.attention, 'b');
    // x = (tanh(b) + 1) 12 = 10, y = 6
    b.assign([0, 0, Math.atanh(-1 / 6), 0, 0, Math.atanh(-1 / 2)]);
    const model = { ...staring(new Map()), captioner };
    const examinee = { model, inputs: await inputs([picture(places)]) };
    const report = await playPointingGame([examinee], [picture(places)]);
    expect(report).toMatchObject({ count: 4, hits: 2, tolerance: { x: 0, y: 0 } });
    expect(report.heaviest).toBeUndefined();
  });

  test('needs models that look, and pictures of known things, seen whole', async () => {
    const image = picture(places);
    const captioner = new Captioner({
      cell: 'rnn',
      featureSize: 12,
      cnn: { size, filters: [2, 3] },
      embeddingSize: 2,
      hiddenSize: 2,
      vocabularySize: vocabulary.size,
    });
    const blind = { model: { ...staring(new Map()), captioner }, inputs: await inputs([image]) };
    await expect(playPointingGame([blind], [image])).rejects.toThrow(UsageError);
    await expect(play(0, [picture([])])).rejects.toThrow(/only drawn scenes/);
    const wide = picture(places, { width: 36, height: 24 });
    await expect(play(0, [wide])).rejects.toThrow(ValueError);
    const file = { ...image, image: { path: 'one.jpg' } };
    const examinee = { model: staring(new Map()), inputs: await inputs([image]) };
    await expect(playPointingGame([examinee], [file])).rejects.toThrow(/size of the photo one/);
  });
});
