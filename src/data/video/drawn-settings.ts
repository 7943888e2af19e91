/** The settings of drawn clips, as they stand behind `moving:` and `digits:`. */
import { z } from 'zod';
import { countSetting, type Refusal, readSettings } from '../dataset-settings.js';
import type { LabelledDataset } from '../labels/labelled-pictures.js';
import { openMnist } from '../labels/mnist.js';
import type { DigitSetOptions, DrawnSetOptions } from './drawn-sets.js';

const within = (least: number, most: number) =>
  countSetting
    .refine((value) => value >= least && value <= most, `must be from ${least} to ${most}`)
    .optional();

const counts = {
  dev: countSetting.optional(),
  test: countSetting.optional(),
  seed: countSetting.optional(),
};

const sceneSettings = {
  ...counts,
  size: within(24, 4096),
  frames: within(8, 4096),
  corners: z.stringbool().optional(),
};

/** Settings of moving scenes as labelled clips. */
export const movingSettings = z.strictObject(sceneSettings);

/** Settings of moving scenes with sentences. */
export const movingCaptionSettings = z.strictObject({
  ...sceneSettings,
  events: z
    .enum(['1', '2'])
    .transform((events) => (events === '1' ? 1 : 2))
    .optional(),
  order: z.stringbool().optional(),
  sentences: within(1, 9),
});

/** Settings of moving digits. */
export const digitSettings = z.strictObject({
  ...counts,
  count: countSetting.optional(),
  size: within(29, 4096),
  frames: within(1, 4096),
});

type Counts = { readonly [K in 'dev' | 'test' | 'seed']?: number | undefined };

/** `<count>,key=value,...`; dev and test have a tenth as many unless told otherwise. */
export function readMovingSettings<S extends Counts>(
  rest: string,
  refuse: Refusal,
  schema: z.ZodType<S>,
): S & DrawnSetOptions {
  const { path, settings } = readSettings(rest, schema, refuse);
  const count = countSetting.safeParse(path);
  if (!count.success) {
    throw refuse(
      `The number of clips must be an integer of 0 or more, not ${JSON.stringify(path)}.`,
    );
  }
  return { ...settings, ...countsOf(count.data, settings) };
}

/** An even number, so that every clip has its twin where order counts. */
function countsOf(train: number, { dev, test, seed = 0 }: Counts): DrawnSetOptions {
  const tenth = 2 * Math.ceil(train / 20);
  return { train, dev: dev ?? tenth, test: test ?? tenth, seed };
}

const DIGIT_CLIPS = 10_000;

/** The digits of a folder in MNIST's form, and how they are drawn. @throws as `openMnist` */
export async function openDigits(
  folder: string,
  { count = DIGIT_CLIPS, ...settings }: z.infer<typeof digitSettings>,
): Promise<[digits: LabelledDataset, options: DigitSetOptions]> {
  const { seed } = settings;
  const digits = await openMnist(folder, { seed });
  return [digits, { ...settings, ...countsOf(count, settings) }];
}
