import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { PREPROCESSING } from '@/data/pictures/preprocessing.js';
import { engine, scope } from '@/engine/engine.js';
import type { Scope } from '@/engine/scope.js';
import { FormatError } from '@/errors.js';
import { Captioner } from '@/models/captioner.js';
import {
  type AttentionConfig,
  type AttentionKind,
  attentionKinds,
  type CaptionerConfig,
  fullConfig,
} from '@/models/captioner-config.js';
import { Random } from '@/random.js';
import {
  CaptionTrainer,
  changed,
  checkpointFrom,
  checkpointOf,
  fileOf,
  gridTask,
  recipe,
  stateOf,
  tinyTask,
} from './tiny-task.js';

let open: Scope;
beforeEach(() => {
  open = scope();
});
afterEach(() => open[Symbol.dispose]());

const { vocabulary, featureSize } = tinyTask();

/** A captioner about which nothing is said that has a default. */
const plain = {
  cell: 'lstm',
  featureSize,
  embeddingSize: 7,
  hiddenSize: 13,
  vocabularySize: vocabulary.size,
} as const satisfies CaptionerConfig;

function plainAttention(kind: AttentionKind) {
  return { kind, locations: [1, 3], valueSize: 6, size: 5 } as const satisfies AttentionConfig;
}

/** A captioner with every option away from its default. */
function unusual(kind: AttentionKind): CaptionerConfig {
  return {
    ...plain,
    layers: 2,
    normaliseFeatures: false,
    tiedEmbeddings: true,
    layerNorm: true,
    dropout: 0.3,
    dropoutKind: 'variational',
    attention: {
      ...plainAttention(kind),
      glimpse: 2,
      centre: 'places',
      gate: true,
      doublyStochastic: kind === 'spatial-transformer' ? 0 : 0.5,
      initialState: 'zero',
      context: 'output',
      positions: true,
      entropy: 0.01,
    },
  };
}

const cnn = { size: 8, filters: [3, 4] };

function unlearned(config: CaptionerConfig) {
  const captioner = new Captioner(config, { random: new Random(2) });
  const side = config.cnn?.size ?? 224;
  const preprocessing = { ...PREPROCESSING.imagenet, width: side, height: side };
  return { captioner, vocabulary, preprocessing, encoder: undefined, training: undefined };
}

/** The names of what is the same in both. */
function alike(a: object = {}, b: object = {}): string[] {
  const other = new Map(Object.entries(b));
  const same = Object.entries(a).filter(([name, value]) => other.get(name) === value);
  return same.map(([name]) => name).toSorted();
}

/** The file whose configuration has another value at a path such as `attention.locations.0`. */
function saying(bytes: Uint8Array, path: string, value: unknown): Uint8Array {
  return changed(bytes, ({ metadata }) => {
    const json = JSON.parse(metadata.config ?? '');
    const steps = path.split('.');
    const last = steps.pop() ?? '';
    steps.reduce((place, step) => place[step], json)[last] = value;
    metadata.config = JSON.stringify(json);
  });
}

test.each(attentionKinds)('%s with every option away from its default comes back', async (kind) => {
  const task = gridTask();
  const captioner = new Captioner(unusual(kind), { random: new Random(5) });
  const usual = fullConfig({ ...plain, attention: plainAttention(kind) });
  const sizes = ['featureSize', 'embeddingSize', 'hiddenSize', 'vocabularySize'];
  const special = ['nullWord', 'startWord', 'endWord'];
  expect(alike(captioner.config, usual)).toEqual(['cell', ...sizes, ...special].toSorted());
  // A window has no weights that a penalty could add up.
  const window = kind === 'spatial-transformer' ? ['doublyStochastic'] : [];
  expect(alike(captioner.config.attention, usual.attention)).toEqual(
    ['kind', 'size', 'valueSize', ...window].toSorted(),
  );

  const trainer = new CaptionTrainer(captioner, recipe({ epochs: 1 }), task.data);
  await trainer.run();
  const checkpoint = checkpointOf(task, trainer);
  const back = checkpointFrom(fileOf(checkpoint));
  expect(stateOf(back)).toEqual(stateOf(checkpoint));
  const saved = JSON.stringify(checkpoint.training?.task);
  expect(JSON.stringify(back.training?.task)).toBe(saved);
  expect(saved.includes('baseline')).toBe(kind === 'hard');
});

test.each(attentionKinds)(
  'a file from before there were options means their defaults: %s',
  (kind) => {
    const attention = plainAttention(kind);
    const bytes = changed(fileOf(unlearned({ ...plain, attention })), ({ metadata }) => {
      const { layers, tiedEmbeddings, layerNorm, dropoutKind, ...older } = JSON.parse(
        metadata.config ?? '',
      );
      metadata.config = JSON.stringify({ ...older, attention });
    });
    expect(checkpointFrom(bytes).captioner.config).toEqual(fullConfig({ ...plain, attention }));
  },
);

describe('a size that is larger than what the file holds is refused, and costs nothing', () => {
  const sizes = ['layers', 'featureSize', 'embeddingSize', 'hiddenSize', 'vocabularySize'];
  const ofAttention = (
    kind: AttentionKind,
    own: readonly string[],
  ): [string, CaptionerConfig, string[]] => [
    kind,
    unusual(kind),
    [...sizes, 'attention.locations.0', 'attention.locations.1', 'attention.valueSize', ...own],
  ];
  const looking: CaptionerConfig = {
    ...plain,
    cnn,
    featureSize: 4,
    attention: { ...plainAttention('dot'), locations: [2, 2] },
  };
  const models: [string, CaptionerConfig, string[]][] = [
    ['features', { ...plain, cell: 'gru', tiedEmbeddings: true }, sizes],
    ['cnn', { ...plain, cnn, featureSize: 4 }, [...sizes, 'cnn.size', 'cnn.filters.0']],
    ['a map', looking, [...sizes, 'cnn.size', 'cnn.filters.1', 'attention.locations.0']],
    ofAttention('location', []),
    ofAttention('dot', ['attention.size']),
    ofAttention('additive', ['attention.size']),
    ofAttention('hard', ['attention.size']),
    ofAttention('spatial-transformer', ['attention.glimpse']),
  ];

  test.each(models)('%s', (_name, config, paths) => {
    const bytes = fileOf(unlearned(config));
    checkpointFrom(bytes);
    const before = engine().heap.usedBytes;
    const lie = fc.oneof(
      fc.integer({ min: 14, max: 99 }),
      fc.integer({ min: 100, max: 2 ** 53 - 1 }),
    );
    fc.assert(
      fc.property(fc.constantFrom(...paths), lie, (path, value) => {
        const reserved = engine().heap.reservedBytes;
        expect(() => checkpointFrom(saying(bytes, path, value))).toThrow(FormatError);
        expect(engine().heap.reservedBytes - reserved).toBeLessThanOrEqual(2 ** 24);
      }),
      { seed: 8, numRuns: 200 },
    );
    expect(engine().heap.usedBytes).toBe(before);
  });

  const deep: CaptionerConfig = { ...plain, hiddenSize: 1, layers: 8 };
  test.each([
    [deep, 'layers', 1e9, /layers: must be at most 1000/],
    [deep, 'layers', 999, /layers\.layer9\.Wx is missing/],
    [deep, 'layers', 40, /layers\.layer9\.Wx is missing/],
    [
      { ...plain, cnn, featureSize: 4 },
      'cnn.size',
      9,
      /sees pictures of 9 x 9 pixels, but preprocessing makes 8 x 8/,
    ],
  ])('%o: %s %d says so', (config, path, value, said) => {
    const bytes = fileOf(unlearned(config));
    expect(() => checkpointFrom(saying(bytes, path, value))).toThrow(said);
  });
});

test.each([
  ['dot', 'attention.glimpse'],
  ['dot', 'attention.locations.1'],
  ['location', 'attention.size'],
] as const)('a size that %s does not look at builds nothing: %s', (kind, path) => {
  const bytes = fileOf(unlearned({ ...plain, attention: plainAttention(kind) }));
  checkpointFrom(bytes);
  const reserved = engine().heap.reservedBytes;
  checkpointFrom(saying(bytes, path, 2 ** 40));
  expect(engine().heap.reservedBytes).toBe(reserved);
});
