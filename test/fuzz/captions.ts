/** Formats of captions: datasets, and what is scored. */
import { join } from 'node:path';
import { hdf5File } from '@test/data/formats/array-files.js';
import { candidatesAndReferences } from '@/cli/scored-captions.js';
import { openDataset } from '@/data/captions/dataset.js';
import { Vocabulary } from '@/data/text/vocabulary.js';
import { DocumentFrequencies } from '@/metrics/document-frequencies.js';
import { scoreCaptions } from '@/metrics/score-captions.js';
import { readUntrustedJson } from '@/tasks/captions/scoring.js';
import type { Files, Format } from './format.js';

const photos: Files = Object.fromEntries(['a', 'b', 'c', 'd'].map((name) => [`${name}.jpg`, '']));
const photosIn = (folder: string): Files =>
  Object.fromEntries(Object.keys(photos).map((name) => [`${folder}/${name}`, '']));

const opens = (format: string, path: string) => (folder: string) =>
  openDataset(`${format}${join(folder, path)}`);

const coco = {
  images: [
    { id: 1, file_name: 'a.jpg' },
    { id: 2, file_name: 'b.jpg' },
    { id: 3, file_name: 'c.jpg' },
    { id: 4, file_name: 'd.jpg' },
  ],
  annotations: [
    { image_id: 1, id: 1, caption: 'A dog runs.' },
    { image_id: 2, id: 2, caption: 'A cat sits on a mat.' },
    { image_id: 3, id: 3, caption: "A man's hat" },
    { image_id: 4, id: 4, caption: 'two dogs' },
  ],
};
const karpathy = {
  dataset: 'own',
  images: ['train', 'restval', 'val', 'test'].map((split, index) => ({
    filename: `${'abcd'[index]}.jpg`,
    imgid: index,
    split,
    sentences: [{ raw: 'A dog runs.', tokens: ['a', 'dog', 'runs'], imgid: index, sentid: index }],
  })),
};
const rows = [
  { file: 'a.jpg', caption: 'a dog', split: 'train' },
  { file: 'b.jpg', captions: ['a cat', 'it'], split: 'dev' },
  { file: 'c.jpg', caption: 'a "hat", red', split: 'test' },
];
const table = (divider: string) =>
  [
    ['file', 'caption', 'split'],
    ...rows.map(({ file, split }) => [file, '"a ""dog"", two"', split]),
  ]
    .map((row) => row.join(divider))
    .join('\n');
const tokens = ['a', 'b', 'c', 'd']
  .flatMap((name) => [`${name}.jpg#0\tA dog runs .`, `${name}.jpg#1\tTwo dogs .`])
  .join('\n');
const words = ['<NULL>', '<START>', '<END>', '<UNK>', 'a', 'dog'];

const captionSets: readonly Format[] = [
  {
    name: 'coco',
    files: () => ({ 'x.json': JSON.stringify(coco), ...photos }),
    read: opens('coco:', 'x.json'),
  },
  {
    name: 'karpathy',
    files: () => ({ 'dataset_x.json': JSON.stringify(karpathy), ...photos }),
    read: opens('karpathy:', 'dataset_x.json'),
  },
  {
    name: 'json-table',
    files: () => ({ 'x.json': JSON.stringify(rows), ...photos }),
    read: opens('captions:', 'x.json'),
  },
  {
    name: 'json-lines',
    files: () => ({ 'x.jsonl': rows.map((row) => JSON.stringify(row)).join('\n'), ...photos }),
    read: opens('captions:', 'x.jsonl'),
  },
  { name: 'csv', files: () => ({ 'x.csv': table(','), ...photos }), read: opens('', 'x.csv') },
  { name: 'tsv', files: () => ({ 'x.tsv': table('\t'), ...photos }), read: opens('', 'x.tsv') },
  {
    name: 'texts-beside',
    files: () => ({
      ...photos,
      ...{ 'a.txt': 'a dog\nthe dog', 'b.jpg.txt': 'a cat', 'c.caption': 'a hat', 'd.txt': 'it' },
    }),
    read: opens('', '.'),
  },
  {
    name: 'flickr8k',
    files: () => ({
      ...photosIn('Flicker8k_Dataset'),
      'Flickr8k_text/Flickr8k.token.txt': tokens,
      'Flickr8k_text/Flickr_8k.trainImages.txt': 'a.jpg\nb.jpg\n',
      'Flickr8k_text/Flickr_8k.devImages.txt': 'c.jpg\n',
      'Flickr8k_text/Flickr_8k.testImages.txt': 'd.jpg\n',
    }),
    read: opens('', '.'),
  },
  {
    name: 'kaggle',
    files: () => ({
      ...photosIn('Images'),
      'captions.txt': `image,caption\n${tokens.replaceAll(/#\d\t/g, ',')}\n`,
    }),
    read: opens('', '.'),
  },
  {
    name: 'cs231n',
    slow: true,
    files: async () => ({
      'coco2014_vocab.json': JSON.stringify({ idx_to_word: words }),
      'coco2014_captions.h5': await hdf5File(
        ['train', 'val'].flatMap((part) => [
          { name: `${part}_captions`, shape: [2, 4], data: Int32Array.of(1, 4, 5, 2, 1, 5, 2, 0) },
          { name: `${part}_image_idxs`, shape: [2], data: Int32Array.of(0, 1) },
        ]),
      ),
      'train2014_urls.txt': 'https://a.example/1.jpg\nhttps://a.example/2.jpg\n',
    }),
    read: opens('cs231n:', '.'),
  },
];

const scored = (candidates: string, references: string) => async (folder: string) => {
  const [said, meant] = [join(folder, candidates), join(folder, references)];
  const pairs = await candidatesAndReferences(said, [meant]);
  scoreCaptions(pairs.candidates, pairs.references);
};
const results = coco.annotations.map(({ image_id, caption }) => ({ image_id, caption }));
const texts = results.map(({ caption }) => caption).join('\n');

const scoredFiles: readonly Format[] = [
  {
    name: 'results',
    files: () => ({
      'candidates.json': JSON.stringify(results),
      'references.json': JSON.stringify(coco),
    }),
    read: scored('candidates.json', 'references.json'),
  },
  {
    name: 'results-table',
    files: () => ({ 'candidates.csv': table(','), 'references.tsv': table('\t') }),
    read: scored('candidates.csv', 'references.tsv'),
  },
  {
    name: 'results-lines',
    files: () => ({ 'candidates.txt': texts, 'references.txt': texts }),
    read: scored('candidates.txt', 'references.txt'),
  },
  {
    name: 'document-frequencies',
    files: () => ({ 'x.json': JSON.stringify({ images: 3, counts: { a: 3, 'a dog': 1 } }) }),
    read: async (folder) => {
      const documentFrequencies = DocumentFrequencies.fromJSON(
        await readUntrustedJson(join(folder, 'x.json')),
        'x.json',
      );
      scoreCaptions({ 1: 'a dog' }, { 1: ['a dog runs'] }, { documentFrequencies });
    },
  },
  {
    name: 'vocabulary',
    files: () => ({ 'x.json': JSON.stringify({ words, segmenter: 'x' }) }),
    read: async (folder) => {
      const vocabulary = Vocabulary.fromJSON(
        await readUntrustedJson(join(folder, 'x.json')),
        'x.json',
      );
      vocabulary.decode(vocabulary.encode(vocabulary.tokenize("a man's dog")));
    },
  },
];

export const captionFormats: readonly Format[] = [...captionSets, ...scoredFiles];
