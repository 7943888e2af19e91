/** The sentences and figures of the page of `glimpse report`. */
import { parameterCount } from '../autograd/tree.js';
import { percent } from '../data/text/printable.js';
import type { Hypothesis } from '../decoding/hypothesis.js';
import { type DecodingOptions, parseDecoding } from '../decoding/options.js';
import { locationsOf } from '../models/encoders/grids.js';
import type { Figure } from '../report/page.js';
import type { AttentionKind } from '../report/report-picture.js';
import type { CaptionerModel } from '../tasks/captioner/kind.js';
import type { Evaluation } from '../tasks/captions/model-scores.js';

/** On which scales a report's scores are. */
export const scaleNote =
  'BLEU and ROUGE-L are on the 0 to 1 scale. CIDEr is what coco-caption prints (CIDEr-D), not times 100: mostly between 0 and 1 for a whole set, at most 10 for a single picture. BLEU is computed from all captions together; ROUGE-L and CIDEr are means over the pictures.';

/** The scores of all images, the most important one first. */
export function figuresOf({ scores, loss, exactMatch }: Evaluation): Figure[] {
  const { cider, bleu1, bleu2, bleu3, bleu4, rougeL, diversity } = scores;
  const digits = (value: number) => value.toFixed(3);
  return [
    { label: 'CIDEr', value: digits(cider), hint: `papers write ${(100 * cider).toFixed(1)}` },
    {
      label: 'BLEU-4',
      value: digits(bleu4),
      hint: `BLEU-1 to 3: ${[bleu1, bleu2, bleu3].map(digits).join(', ')}`,
    },
    { label: 'ROUGE-L', value: digits(rougeL) },
    {
      label: 'Perplexity',
      value: loss.perplexity.toFixed(2),
      hint: `${digits(loss.lossPerWord)} nats a word of the references`,
    },
    {
      label: 'Different captions',
      value: percent(diversity.distinctCaptions),
      hint: `${diversity.vocabulary} different words, ${diversity.meanLength.toFixed(1)} a caption`,
    },
    { label: 'Word for word right', value: percent(exactMatch), hint: 'equal to a reference' },
  ];
}

/** Which model it is, and how it decodes. */
export function describeModel(
  file: string,
  { captioner, encoder }: CaptionerModel,
  options: DecodingOptions,
  images: number,
): string {
  const { cell, hiddenSize, cnn } = captioner.config;
  const grid = locationsOf(captioner.config);
  const inputs = cnn
    ? `${cnn.filters.length} convolution layers of its own`
    : `features of ${encoder?.kind ?? 'an encoder'}`;
  const looks = grid ? `attention over the ${grid.join(' x ')} places of ` : '';
  return (
    `What ${file} says about ${count(images)} pictures: ${cell === 'rnn' ? 'an RNN' : cell === 'lstm' ? 'an LSTM' : 'a GRU'} of ${hiddenSize} units ` +
    `with ${looks}${inputs}, ${count(parameterCount(captioner.parameters))} parameters, ${howDecoded(options)}.`
  );
}

function howDecoded(options: DecodingOptions): string {
  const decoding = parseDecoding(options);
  switch (decoding.decoder) {
    case 'greedy':
      return 'decoded greedily';
    case 'beam':
      return `decoded with a beam of ${decoding.beam}`;
    case 'sample':
      return `words drawn at temperature ${decoding.temperature}`;
  }
}

/** "200 of 1,000, evenly from the best to the worst by CIDEr". */
export function aboutPictures(shown: number, all: number): string {
  if (shown === all) return all === 1 ? 'the only one' : `all ${count(all)}`;
  return `${count(shown)} of ${count(all)}, evenly from the best to the worst by CIDEr`;
}

/**
 * How the words' attention is given: a weight for each place of the model's grid, or windows.
 * Undefined for a model that has none.
 */
export function attentionIn(
  { captioner }: CaptionerModel,
  found: readonly (readonly Hypothesis[])[],
): AttentionKind | undefined {
  const { attention } = captioner.config;
  // An ensemble tells where it looked only if its models agree on what that is.
  if (!attention || !found.some(([best]) => best?.attention)) return undefined;
  const [rows, columns] = attention.locations;
  return attention.kind === 'spatial-transformer'
    ? { kind: 'window' }
    : { kind: 'grid', rows, columns };
}

function count(value: number): string {
  return value.toLocaleString('en');
}
