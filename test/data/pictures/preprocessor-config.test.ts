import { describe, expect, test } from 'vitest';
import { describePreprocessing, PREPROCESSING } from '@/data/pictures/preprocessing.js';
import { parsePreprocessorConfig } from '@/data/pictures/preprocessor-config.js';
import { FormatError } from '@/errors.js';

const colours = { image_mean: [0.5, 0.4, 0.3], image_std: [0.2, 0.3, 0.4] };
const values = { scale: 1 / 255, mean: [0.5, 0.4, 0.3], standardDeviation: [0.2, 0.3, 0.4] };
const parse = (config: object) => parsePreprocessorConfig(config, 'p.json');

describe('a preprocessor_config.json of', () => {
  test.each<[string, object, object]>([
    [
      'CLIP, as it was first written',
      {
        ...{ feature_extractor_type: 'CLIPFeatureExtractor', do_resize: true, size: 224 },
        ...{ do_center_crop: true, crop_size: 224, do_normalize: true, resample: 3 },
        image_mean: PREPROCESSING.clip.mean,
        image_std: PREPROCESSING.clip.standardDeviation,
      },
      PREPROCESSING.clip,
    ],
    [
      'DINOv2',
      {
        ...{ ...colours, image_processor_type: 'BitImageProcessor', do_convert_rgb: true },
        ...{ size: { shortest_edge: 256 }, do_center_crop: true, resample: 3 },
        ...{ crop_size: { height: 224, width: 224 }, do_rescale: true, rescale_factor: 1 / 255 },
      },
      {
        ...{ width: 224, height: 224, resize: 'centre-crop', cutFrom: [256, 256] },
        ...{ resample: 'bicubic', ...values },
      },
    ],
    [
      'ViT',
      {
        ...{ image_processor_type: 'ViTImageProcessor', do_resize: true, resample: 2 },
        ...{ size: { height: 240, width: 320 }, rescale_factor: 0.5, image_mean: 0.5 },
        image_std: [0.5, 0.5, 0.5],
      },
      {
        ...{ width: 320, height: 240, resize: 'squash', resample: 'bilinear', scale: 0.5 },
        ...{ mean: [0.5, 0.5, 0.5], standardDeviation: [0.5, 0.5, 0.5] },
      },
    ],
    [
      'DeiT, whose number is a square from which the middle is cut',
      {
        ...{ ...colours, feature_extractor_type: 'DeiTFeatureExtractor', size: 256 },
        ...{ do_center_crop: true, crop_size: 224, resample: 1 },
      },
      { width: 224, resize: 'squash', cutFrom: [256, 256], resample: 'lanczos' },
    ],
    [
      'ConvNeXt',
      { ...colours, size: { shortest_edge: 224 }, crop_pct: 0.875, resample: 0 },
      { width: 224, height: 224, resize: 'centre-crop', cutFrom: [256, 256], resample: 'nearest' },
    ],
    [
      'ConvNeXt of a large size',
      { ...colours, size: { shortest_edge: 384 }, crop_pct: 0.875 },
      { width: 384, height: 384, resize: 'squash', resample: 'bicubic' },
    ],
    [
      'a network that takes bytes',
      { size: 32, do_rescale: false, do_normalize: false, do_pad: false },
      { width: 32, scale: 1, mean: [0, 0, 0], standardDeviation: [1, 1, 1], resize: 'squash' },
    ],
    [
      'a processor of texts and pictures',
      { image_processor: { ...colours, size: 32 }, tokenizer: {} },
      { width: 32, height: 32, ...values },
    ],
  ])('%s', (_, config, expected) => {
    expect(parse(config)).toMatchObject(expected);
  });

  test('a cut of the whole is none', () => {
    const whole = parse({ ...colours, size: { shortest_edge: 8 }, crop_size: 8 });
    expect(whole).not.toHaveProperty('cutFrom');
  });
});

describe('what cannot be done is refused by its name', () => {
  const size = { height: 8, width: 8 };
  test.each<[string, object, RegExp]>([
    ['mean', { size, image_std: 1 }, /image_mean is missing.*do_normalize/],
    ['two means', { ...colours, size, image_mean: [1, 2] }, /image_mean is \[1,2\]/],
    ['words', { ...colours, size, image_std: ['a', 1, 1] }, /image_std is \["a",1,1\]/],
    ['deviation', { ...colours, size, image_std: [1, 0, 1] }, /image_std.*above 0/],
    ['factor', { ...colours, size, rescale_factor: 0 }, /rescale_factor is 0/],
    ['flag', { ...colours, size, do_rescale: 'yes' }, /do_rescale is "yes"/],
    ['no resizing', { ...colours, size, do_resize: false }, /do_resize is false/],
    ['padding', { ...colours, size, do_pad: true }, /do_pad is true/],
    ['BGR', { ...colours, size, do_flip_channel_order: true }, /do_flip_channel_order is true/],
    ['offset', { ...colours, size, rescale_offset: true }, /rescale_offset is true/],
    ['resampling', { ...colours, size, resample: 4 }, /resample 4.*2 \(bilinear\)/],
    ['longest', { ...colours, size: { longest_edge: 9 } }, /size\.longest_edge cannot be done/],
    ['two sizes', { ...colours, size: { ...size, shortest_edge: 9 } }, /size is \{"height":8/],
    ['half a size', { ...colours, size: { height: 8 } }, /size\.width is missing/],
    ['no number', { ...colours, size: '224' }, /size is "224"/],
    ['parts of pixels', { ...colours, size: 8.5 }, /size is 8\.5, not a number of pixels/],
    ['no size', { ...colours }, /size is undefined/],
    [
      'open shape',
      { ...colours, size: { shortest_edge: 9 } },
      /shortest_edge 9 without do_center_crop/,
    ],
    [
      'a border',
      { ...colours, size: { shortest_edge: 9 }, do_center_crop: true, crop_size: 10 },
      /crop_size 10x10 is larger than size 9x9/,
    ],
    ['share', { ...colours, size, crop_pct: 2 }, /crop_pct is 2/],
    ['giant', { ...colours, size: 16384 }, /16384x16384 pixels.*limit is 2\.1 GB/],
    ['giant to cut from', { ...colours, size: 9999, do_center_crop: true, crop_size: 8 }, /limit/],
    ['a tokenizer', { model_max_length: 77 }, /tells nothing of photos/],
    ['a list', [], /tells nothing of photos/],
  ])('%s', (_, config, message) => {
    expect(() => parse(config)).toThrow(FormatError);
    expect(() => parse(config)).toThrow(message);
    expect(() => parse(config)).toThrow(/^p\.json: /);
  });
});

test('a preprocessing in words', () => {
  expect(Object.values(PREPROCESSING).map(describePreprocessing)).toEqual([
    'squashed to 224x224; (byte / 255 - (0.485, 0.456, 0.406)) / (0.229, 0.224, 0.225)',
    'squashed to 224x224; byte / 127.5 - 1',
    'the middle as 224x224 (bicubic); (byte / 255 - (0.48145466, 0.4578275, 0.40821073)) / (0.26862954, 0.26130258, 0.27577711)',
  ]);
  expect(
    describePreprocessing(
      parse({
        size: 9,
        do_center_crop: true,
        crop_size: 8,
        do_rescale: false,
        do_normalize: false,
      }),
    ),
  ).toBe('the middle as 9x9, the middle 8x8 of it (bicubic); byte');
});
