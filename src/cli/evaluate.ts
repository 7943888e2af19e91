import { Command, Option } from 'commander';
import { openDataset } from '../data/dataset.js';
import { tokenize } from '../data/vocabulary.js';
import { UsageError } from '../errors.js';
import { openFeatures } from '../features/feature-file.js';
import { corpusBleu } from '../metrics/bleu.js';
import { isExact } from '../training/demo.js';
import { evaluateLoss } from '../training/evaluate.js';
import { encodeCaptions } from '../training/examples.js';
import { readCheckpoint } from '../training/model-file.js';
import { sightOf } from '../training/prepare.js';
import { sampleAll } from '../training/sample-all.js';
import { addDecodingFlags, type DecodingFlags, decodingFrom } from './decoding-flags.js';
import { positiveInteger } from './options.js';
import { answer } from './terminal.js';

interface Options extends DecodingFlags {
  model: string;
  split: 'train' | 'dev' | 'test';
  features?: string;
  batchSize: number;
  captions?: boolean;
  json?: boolean;
}

/** `glimpse evaluate <dataset> --model <file>`: loss, perplexity and BLEU on a split. */
export function evaluateCommand(): Command {
  const command = new Command('evaluate')
    .description('measure a model on a split: loss, perplexity, BLEU-1 to 4 (0 to 1)')
    .argument('<dataset>', 'as for train')
    .requiredOption('--model <file>', 'a model that glimpse train wrote')
    .addOption(
      new Option('--split <name>', 'which images').choices(['train', 'dev', 'test']).default('dev'),
    )
    .option('--features <file>', 'use these features instead of encoding the photos again');
  return addDecodingFlags(command)
    .option('--batch-size <images>', 'images captioned together', positiveInteger, 100)
    .option('--captions', 'also give the caption of every image')
    .option('--json', 'print one JSON document')
    .action(async (specification: string, options: Options) => {
      const decoding = decodingFrom(options);
      const { name, splits } = await openDataset(specification);
      const images = splits[options.split];
      if (images.length === 0)
        throw new UsageError(`${specification} has no ${options.split} images`);
      const checkpoint = await readCheckpoint(options.model);
      const { captioner, vocabulary } = checkpoint;
      const features = options.features ? await openFeatures(options.features) : undefined;
      const sight = await sightOf(checkpoint, features);
      const inputs = await sight.inputs(images);

      const loss = evaluateLoss(
        captioner,
        inputs,
        encodeCaptions(images, vocabulary, Number.POSITIVE_INFINITY),
      );
      const captions = await sampleAll(captioner, vocabulary, inputs, {
        ...decoding,
        batchSize: options.batchSize,
      });
      const references = images.map((image) => image.captions.map(tokenize));
      const { bleu } = corpusBleu(captions.map(tokenize), references);
      const exact = images.filter((image, index) => isExact(captions[index] ?? '', image)).length;
      const result = {
        dataset: name,
        split: options.split,
        images: images.length,
        ...loss,
        bleu1: bleu[0],
        bleu2: bleu[1],
        bleu3: bleu[2],
        bleu4: bleu[3],
        exactMatch: exact / images.length,
        ...(options.captions && {
          captions: images.map(({ id }, index) => ({ image: id, caption: captions[index] })),
        }),
      };
      answer(options.json, result, [
        `${name}, ${options.split}: ${images.length} images`,
        `loss ${loss.lossPerWord.toFixed(4)} nats a word, perplexity ${loss.perplexity.toFixed(2)} (${loss.words} words)`,
        `BLEU-1..4 ${bleu.map((value) => value.toFixed(4)).join('  ')} (0 to 1)`,
        `captions equal to a reference: ${((100 * exact) / images.length).toFixed(1)} %`,
        ...(options.captions ? images.map(({ id }, index) => `${id}: ${captions[index]}`) : []),
      ]);
    });
}
