/** The pointing game for captioners, which tells whether attention lies on what a word names. */
import type { CaptionedImage, NamedPlace } from '../../data/captions/captioned-images.js';
import { tokenize } from '../../data/text/tokenize.js';
import { rescore } from '../../decoding/decode.js';
import { ensemble } from '../../decoding/ensemble.js';
import { captionerModel } from '../../decoding/word-model.js';
import { scope } from '../../engine/engine.js';
import { UsageError, ValueError } from '../../errors.js';
import {
  type Extent,
  heaviestPlace,
  hottestPoint,
  middleOfWindow,
  type Pointed,
  type PointingReport,
  pointingGame,
} from '../../metrics/pointing-game.js';
import type { Tensor } from '../../tensor/tensor.js';
import type { Examinee } from '../captions/model-scores.js';
import { type AttentionForm, attentionFormOf, type CaptionerModel } from './kind.js';

/** A captioner of pictures, and the pictures as it takes them in. */
type Seeing = Examinee<Tensor, CaptionerModel>;

/** A caption that is given, with the places that its words name. */
interface Given {
  readonly image: number;
  readonly words: readonly string[];
  readonly places: readonly NamedPlace[];
}

/**
 * Whether the attention of a model, or of several together, lies on what a word names: the pointing
 * game over all words of the true captions whose place is known. The true words go in (teacher
 * forcing), so that every such word counts, also where the model would have chosen another.
 *
 * The point of a heat map is where it is hottest after smoothing (`hottestPoint`), with half a cell
 * as tolerance; the middle of its heaviest cell is counted beside it. That of a window is its middle,
 * without tolerance.
 *
 * @throws UsageError when the models' attention differs in form, or the images' places are unknown;
 *   ValueError when a model takes only a part of a picture.
 */
export async function playPointingGame(
  examinees: readonly Seeing[],
  images: readonly CaptionedImage[],
  { batchSize = 100 } = {},
): Promise<PointingReport> {
  const form = attentionFormOf(examinees.map(({ model }) => model));
  if (!form) {
    throw new UsageError(
      'the pointing game needs models with attention, of one kind and grid: train with --attention',
    );
  }
  const captions = captionsWithPlaces(images);
  if (captions.length === 0) {
    throw new UsageError(
      'the pointing game needs to know what lies where, which only drawn scenes have (scenes:<count>)',
    );
  }
  const extents = images.map(({ id, image }) => extentOf(id, image, examinees));
  const joint = ensemble(
    examinees.map(({ model }) => captionerModel(model.captioner, model.vocabulary)),
  );
  const pointed: Pointed[] = [];
  const heaviest: Pointed[] = [];
  for (let start = 0; start < captions.length; start += batchSize) {
    using _batch = scope();
    const some = captions.slice(start, start + batchSize);
    const inputs = examinees.map(({ inputs }) => inputs.batch(some.map(({ image }) => image)));
    const given = some.map(({ words }) => ({
      words: [...joint.vocabulary.encode(words).slice(1, -1)],
      finished: true,
    }));
    const found = await rescore(joint, inputs, given);
    for (const [index, { attention = [] }] of found.entries()) {
      const { image = 0, places = [] } = some[index] ?? {};
      const extent = extents[image];
      for (const { word, kind, box } of places) {
        const weights = attention[word];
        if (!weights || !extent) continue;
        if (form.form === 'window') {
          pointed.push({ point: middleOfWindow(weights, extent), box, kind });
        } else {
          const { locations } = form;
          pointed.push({ point: hottestPoint(weights, locations, extent), box, kind });
          heaviest.push({ point: heaviestPlace(weights, locations, extent), box, kind });
        }
      }
    }
  }
  const tolerance = toleranceOf(form, extents);
  const report = pointingGame(pointed, tolerance);
  if (form.form === 'window') return report;
  const { count, hits, share, strictHits } = pointingGame(heaviest, tolerance);
  return { ...report, heaviest: { count, hits, share, strictHits } };
}

function captionsWithPlaces(images: readonly CaptionedImage[]): Given[] {
  return images.flatMap(
    ({ captions, words = captions.map(tokenize), places: all = [] }, imageIndex) =>
      words.flatMap((tokens, index) => {
        const places = all.filter(({ caption }) => caption === index);
        return places.length > 0 ? [{ image: imageIndex, words: tokens, places }] : [];
      }),
  );
}

/** Half a cell of the largest picture, for heat maps. */
function toleranceOf({ form, locations: [H, W] }: AttentionForm, extents: readonly Extent[]) {
  if (form === 'window') return { x: 0, y: 0 };
  return {
    x: Math.max(...extents.map(({ width }) => width)) / W / 2,
    y: Math.max(...extents.map(({ height }) => height)) / H / 2,
  };
}

/** A picture's size. @throws ValueError when it is not known, or a model takes a part of it only. */
function extentOf(
  id: string,
  image: CaptionedImage['image'],
  examinees: readonly Seeing[],
): Extent {
  if ('path' in image) {
    throw new ValueError(`pointing game: the size of the photo ${id} is not known`);
  }
  for (const { model } of examinees) {
    const { width, height, cutFrom } = model.preprocessing ?? { ...image, cutFrom: undefined };
    if (cutFrom) {
      throw new ValueError(
        `pointing game: the model takes only the middle ${width} x ${height} of ${cutFrom.join(' x ')} pixels, not the whole of ${id}`,
      );
    }
    if (image.width * height !== image.height * width) {
      throw new ValueError(
        `pointing game: ${id} is ${image.width} x ${image.height} pixels, but the model takes ${width} x ${height} of it: that must be of the same proportions`,
      );
    }
  }
  return image;
}
