/** The sentences and figures of the pages about captions. */
import { percent } from '../../data/text/printable.js';
import { type DecodingOptions, parseDecoding } from '../../decoding/options.js';
import type { CaptionScores } from '../../metrics/score-captions.js';
import type { Figure } from '../../report/page.js';
import type { Answer } from '../kind.js';
import type { Evaluation } from './model-scores.js';
import { scales } from './scoring.js';

/** On which scales a report's scores are. */
export function scaleNote(thing: 'picture' | 'clip'): string {
  return `BLEU and ROUGE-L are on the 0 to 1 scale. CIDEr is what coco-caption prints (CIDEr-D), not times 100: mostly between 0 and 1 for a whole set, at most 10 for a single ${thing}. BLEU is computed from all captions together; ROUGE-L and CIDEr are means over the ${thing}s.`;
}

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

/** What the reader must know before anything else. */
export function remarksOf({ diversity, remarks }: CaptionScores): string[] {
  return [...(diversity.alarm ? [diversity.alarm] : []), ...remarks];
}

/** The scores for programs and for people. */
export function scoreAnswer(
  { name, split, source, things }: { name: string; split: string; source: string; things: string },
  { scores }: Evaluation,
): Pick<Answer, 'value' | 'lines'> {
  const { perImage, ...overall } = scores;
  return {
    value: { dataset: name, split, model: source, ...overall, scale: scales },
    lines: [
      `${name}, ${split}: ${perImage.length} ${things}, CIDEr ${scores.cider.toFixed(4)} (0 to 10), BLEU-4 ${scores.bleu4.toFixed(4)} (0 to 1)`,
    ],
  };
}

/** How captions are decoded, in words. */
export function howDecoded(options: DecodingOptions): string {
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
export function aboutShown(shown: number, all: number): string {
  if (shown === all) return all === 1 ? 'the only one' : `all ${count(all)}`;
  return `${count(shown)} of ${count(all)}, evenly from the best to the worst by CIDEr`;
}

/** 1,234. */
export function count(value: number): string {
  return value.toLocaleString('en');
}
