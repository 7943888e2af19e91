/** Reads preprocessing from Hugging Face's `preprocessor_config.json`. */
import { FormatError } from '../../errors.js';
import { isRecord, quote } from '../formats/strict-json.js';
import { type Preprocessing, parsePreprocessing, type Resampling } from './preprocessing.js';

/** The file beside a network of Hugging Face that says how photos become its input. */
export const PREPROCESSOR_CONFIG = 'preprocessor_config.json';

/** Pillow's numbers of the ways to resample; box and Hamming filters are not among ours. */
const RESAMPLINGS: Readonly<Record<number, Resampling>> = {
  0: 'nearest',
  1: 'lanczos',
  2: 'bilinear',
  3: 'bicubic',
};

/** Steps that are implemented, or make no difference to a photo in colours. */
const KNOWN_STEPS: readonly string[] = [
  'do_resize',
  'do_rescale',
  'do_normalize',
  'do_center_crop',
  'do_convert_rgb',
  'do_reduce_labels',
];

/** Steps that are not implemented. */
const UNKNOWN_STEPS: readonly string[] = ['rescale_offset', 'include_top'];

/** Processors for which a single number is the side of a square; for others it is the shorter side. */
const OF_SQUARES = /^(ViT|DeiT|Beit|Swin|Data2VecVision|Segformer|DPT)/i;

/** Below this side ConvNeXt's processor cuts the middle out of something larger. */
const CROPPED_BELOW = 384;

/**
 * How photos become a network's input, by a `preprocessor_config.json` of Hugging Face.
 * @param source the name of the file in errors.
 * @throws FormatError naming the entry that is missing, makes no sense, or asks for what cannot be done.
 */
export function parsePreprocessorConfig(json: unknown, source: string): Preprocessing {
  const all = isRecord(json) ? json : {};
  const config = isRecord(all.image_processor) ? all.image_processor : all;
  const entries = new Entries(config, source);
  if (!('size' in config || 'crop_size' in config || 'image_mean' in config)) {
    throw entries.wrong('tells nothing of photos: it has no size, crop_size or image_mean');
  }
  for (const [name, value] of Object.entries(config)) {
    const isUnknown = name.startsWith('do_') && !KNOWN_STEPS.includes(name);
    if (value === true && (isUnknown || UNKNOWN_STEPS.includes(name))) {
      throw entries.wrong(
        `${name} is true, which cannot be done here; if the network does without it, say false`,
      );
    }
  }
  if (!entries.flag('do_resize', true)) {
    throw entries.wrong('do_resize is false, but photos have many sizes and a network takes one');
  }
  const resample = entries.resampling();
  return parsePreprocessing(
    { ...entries.framing(), ...entries.values(), ...(resample && { resample }) },
    source,
  );
}

/** The entries of a file, each checked when it is read. */
class Entries {
  readonly #config: Readonly<Record<string, unknown>>;
  readonly #source: string;

  constructor(config: Readonly<Record<string, unknown>>, source: string) {
    this.#config = config;
    this.#source = source;
  }

  wrong(message: string): FormatError {
    return new FormatError(this.#source, message);
  }

  flag(name: string, otherwise: boolean): boolean {
    const value = this.#config[name] ?? otherwise;
    if (typeof value === 'boolean') return value;
    throw this.wrong(`${name} is ${quote(value)}, not true or false`);
  }

  resampling(): Resampling {
    const { resample = 3 } = this.#config;
    const found = typeof resample === 'number' ? RESAMPLINGS[resample] : undefined;
    if (found) return found;
    throw this.wrong(
      `resample ${quote(resample)} cannot be done; 0 (nearest), 1 (Lanczos), 2 (bilinear) and 3 (bicubic) can`,
    );
  }

  /** What a byte becomes. */
  values(): Pick<Preprocessing, 'scale' | 'mean' | 'standardDeviation'> {
    const scale = this.flag('do_rescale', true) ? this.#scale() : 1;
    const isNormalised = this.flag('do_normalize', true);
    const mean = isNormalised ? this.#colours('image_mean') : ([0, 0, 0] as const);
    const deviation = isNormalised ? this.#colours('image_std') : ([1, 1, 1] as const);
    if (deviation.every((value) => value > 0)) {
      return { scale, mean, standardDeviation: deviation };
    }
    throw this.wrong(`image_std is ${quote(deviation)}: deviations must be above 0`);
  }

  #scale(): number {
    const { rescale_factor: scale = 1 / 255 } = this.#config;
    if (typeof scale === 'number' && scale > 0) return scale;
    throw this.wrong(`rescale_factor is ${quote(scale)}, not a number above 0`);
  }

  #colours(name: string): [number, number, number] {
    const value = this.#config[name];
    if (value === undefined) {
      throw this.wrong(`${name} is missing, which do_normalize needs (true unless it says false)`);
    }
    const values: readonly unknown[] = Array.isArray(value) ? value : [value, value, value];
    const [red, green, blue] = values;
    const areNumbers =
      typeof red === 'number' && typeof green === 'number' && typeof blue === 'number';
    if (values.length === 3 && areNumbers) return [red, green, blue];
    throw this.wrong(`${name} is ${quote(value)}, not a number for red, green and blue each`);
  }

  /** The size of the input, and what is cut off. */
  framing(): Pick<Preprocessing, 'width' | 'height' | 'resize' | 'cutFrom'> {
    const size = this.#size();
    const shorter = 'shorter' in size ? size.shorter : undefined;
    const box = 'shorter' in size ? ([size.shorter, size.shorter] as const) : size.box;
    const resize = shorter === undefined ? 'squash' : 'centre-crop';
    const { crop_size: crop, crop_pct: share } = this.#config;
    if (share !== undefined && share !== null) return this.#framingOfShare(share, box[0]);
    if (!this.flag('do_center_crop', shorter !== undefined && crop !== undefined)) {
      if (shorter === undefined) return { width: box[0], height: box[1], resize };
      throw this.wrong(
        `size.shortest_edge ${shorter} without do_center_crop leaves every photo its own proportions, but a network takes one size: say height and width, or do_center_crop`,
      );
    }
    const [width, height] = crop === undefined ? box : this.#cropSize(crop);
    if (width > box[0] || height > box[1]) {
      throw this.wrong(
        `crop_size ${width}x${height} is larger than size ${box.join('x')}, so photos would need a border, which is not done`,
      );
    }
    const isWhole = width === box[0] && height === box[1];
    return { width, height, resize, ...(!isWhole && { cutFrom: box }) };
  }

  /** ConvNeXt's: the middle of something larger by a share, or for large sizes the whole. */
  #framingOfShare(
    share: unknown,
    side: number,
  ): Pick<Preprocessing, 'width' | 'height' | 'resize' | 'cutFrom'> {
    if (typeof share !== 'number' || !(share > 0 && share <= 1)) {
      throw this.wrong(`crop_pct is ${quote(share)}, not a share above 0 and at most 1`);
    }
    if (side >= CROPPED_BELOW) return { width: side, height: side, resize: 'squash' };
    const larger = Math.floor(side / share);
    const cut = larger > side && { cutFrom: [larger, larger] as const };
    return { width: side, height: side, resize: 'centre-crop', ...cut };
  }

  #size(): { shorter: number } | { box: readonly [width: number, height: number] } {
    const { size, crop_size: crop, do_center_crop: isCut } = this.#config;
    const kind = this.#config.image_processor_type ?? this.#config.feature_extractor_type;
    if (size === undefined && crop !== undefined) {
      throw this.wrong('size is missing, to which photos are brought before crop_size is cut out');
    }
    if (typeof size === 'number') {
      const side = this.#side('size', size);
      const isSquare = isCut !== true || OF_SQUARES.test(String(kind));
      return isSquare ? { box: [side, side] } : { shorter: side };
    }
    if (isRecord(size)) {
      const { height, width, shortest_edge: shorter, ...others } = size;
      const [other] = Object.keys(others).filter((name) => others[name] !== null);
      if (other)
        throw this.wrong(`size.${other} cannot be done; height and width, or shortest_edge, can`);
      if (shorter !== undefined && height === undefined && width === undefined) {
        return { shorter: this.#side('size.shortest_edge', shorter) };
      }
      if (shorter === undefined) {
        return { box: [this.#side('size.width', width), this.#side('size.height', height)] };
      }
    }
    throw this.wrong(
      `size is ${quote(size)}, not a number, {"height", "width"} or {"shortest_edge"}`,
    );
  }

  #cropSize(crop: unknown): readonly [width: number, height: number] {
    if (!isRecord(crop)) {
      const side = this.#side('crop_size', crop);
      return [side, side];
    }
    return [this.#side('crop_size.width', crop.width), this.#side('crop_size.height', crop.height)];
  }

  #side(name: string, value: unknown): number {
    if (typeof value === 'number' && Number.isInteger(value) && value > 0) return value;
    throw this.wrong(
      value === undefined
        ? `${name} is missing`
        : `${name} is ${quote(value)}, not a number of pixels`,
    );
  }
}
