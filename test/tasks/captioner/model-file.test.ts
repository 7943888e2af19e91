import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { mapTree, type TensorTree } from '@/autograd/tree.js';
import { parseSafetensors, type SafetensorsFile } from '@/data/formats/safetensors.js';
import { PREPROCESSING } from '@/data/pictures/preprocessing.js';
import { Vocabulary } from '@/data/text/vocabulary.js';
import { engine, scope } from '@/engine/engine.js';
import type { Scope } from '@/engine/scope.js';
import { FormatError } from '@/errors.js';
import { Captioner } from '@/models/captioner.js';
import { cells } from '@/models/captioner-config.js';
import { cnnFeatureSize } from '@/models/cnn.js';
import { Random } from '@/random.js';
import {
  CaptionTrainer,
  changed,
  checkpointFrom,
  checkpointOf,
  fileOf,
  recipe,
  stateOf,
  type TinyTask,
  tinyCaptioner,
  tinyTask,
} from './tiny-task.js';

let open: Scope;
beforeEach(() => {
  open = scope();
});
afterEach(() => open[Symbol.dispose]());

async function trained(task: TinyTask, options: Parameters<typeof recipe>[0] = {}, model = {}) {
  const trainer = new CaptionTrainer(
    tinyCaptioner(task, model),
    recipe({ epochs: 1, ...options }),
    task.data,
  );
  await trainer.run();
  return checkpointOf(task, trainer);
}

describe.each(cells)('a checkpoint with the cell %s', (cell) => {
  test.each(['adam', 'adamw', 'sgd'] as const)(
    'and %s comes back bit for bit',
    async (optimiser) => {
      const checkpoint = await trained(tinyTask(), { optimiser }, { cell });
      const bytes = fileOf(checkpoint);
      const back = checkpointFrom(bytes);
      expect(stateOf(back)).toEqual(stateOf(checkpoint));
      expect(back.vocabulary.toJSON()).toEqual(checkpoint.vocabulary.toJSON());
      expect(back.preprocessing).toEqual(checkpoint.preprocessing);
      expect(back.encoder).toBeUndefined();
    },
  );
});

test('the same state gives the same bytes, and writing changes nothing', async () => {
  const checkpoint = await trained(tinyTask());
  const bytes = fileOf(checkpoint);
  expect(Buffer.compare(fileOf(checkpointFrom(bytes)), bytes)).toBe(0);
  expect(Buffer.compare(fileOf(checkpoint), bytes)).toBe(0);
});

test('a captioner of features alone has no preprocessing; older files gave it one', async () => {
  const checkpoint = await trained(tinyTask());
  expect(checkpointFrom(fileOf(checkpoint)).preprocessing).toEqual(PREPROCESSING.imagenet);
  const alone = checkpointFrom(fileOf({ ...checkpoint, preprocessing: undefined }));
  expect(alone.preprocessing).toBeUndefined();
  expect(stateOf(alone)).toEqual(stateOf(checkpoint));
});

test('float64, a captioner that sees by itself, and one that is not in training', async () => {
  const { vocabulary } = tinyTask();
  const cnn = { size: 8, filters: [3, 4] };
  const captioner = new Captioner(
    {
      cell: 'rnn',
      featureSize: cnnFeatureSize(cnn),
      cnn,
      embeddingSize: 3,
      hiddenSize: 5,
      vocabularySize: vocabulary.size,
    },
    { dtype: 'f64', random: new Random(2) },
  );
  const checkpoint = {
    ...(await trained(tinyTask())),
    captioner,
    preprocessing: { ...PREPROCESSING.imagenet, width: 8, height: 8 },
    training: undefined,
  };
  const back = checkpointFrom(fileOf(checkpoint));
  expect(back.training).toBeUndefined();
  expect(back.captioner.config).toEqual(captioner.config);
  expect(plain(back.captioner.parameters)).toEqual(plain(captioner.parameters));
});

test("carries an encoder's tensors of any type and what is said about it", async () => {
  const bytes = Uint8Array.from({ length: 12 }, (_, i) => i * 7);
  const encoder = {
    kind: 'onnx',
    metadata: { layer: 'features', sizes: [1, 2] },
    tensors: new Map([
      ['graph', { dtype: 'U8' as const, shape: [12], bytes }],
      ['features.0.W', { dtype: 'F16' as const, shape: [2, 3], bytes }],
    ]),
  };
  const back = checkpointFrom(fileOf({ ...(await trained(tinyTask())), encoder }));
  expect(back.encoder?.kind).toBe('onnx');
  expect(back.encoder?.metadata).toEqual(encoder.metadata);
  for (const [name, tensor] of encoder.tensors) {
    const found = back.encoder?.tensors.get(name);
    expect(found && { ...found, bytes: [...found.bytes] }).toEqual({
      ...tensor,
      bytes: [...bytes],
    });
  }
});

describe('what a checkpoint holds on the heap', () => {
  test('belongs to the open scope', async () => {
    const bytes = fileOf(await trained(tinyTask()));
    const before = engine().heap.usedBytes;
    {
      using _work = scope();
      checkpointFrom(bytes);
      expect(engine().heap.usedBytes).toBeGreaterThan(before);
    }
    expect(engine().heap.usedBytes).toBe(before);
  });

  test('is parameters and optimiser state and nothing else', async () => {
    const bytes = fileOf(await trained(tinyTask()));
    const before = engine().heap.usedBytes;
    const { captioner, training } = checkpointFrom(bytes);
    const states = Object.values(training?.optimisers ?? {}).map(({ state }) => state);
    for (const tree of [captioner.parameters, ...states]) {
      mapTree(tree, (leaf) => {
        leaf.dispose();
        return leaf;
      });
    }
    expect(engine().heap.usedBytes).toBe(before);
  });
});

describe('a file that is not right is refused, named, and leaves nothing on the heap', () => {
  type Change = (file: SafetensorsFile) => void;
  const metadata =
    (key: string, value: string): Change =>
    (file) => {
      file.metadata[key] = value;
    };
  const without =
    (key: string): Change =>
    (file) => {
      delete file.metadata[key];
    };
  const edited =
    (key: string, path: string, value: unknown): Change =>
    (file) => {
      const json = JSON.parse(file.metadata[key] ?? '');
      const steps = path.split('.');
      const last = steps.pop() ?? '';
      steps.reduce((place, step) => place[step], json)[last] = value;
      file.metadata[key] = JSON.stringify(json);
    };
  const drop =
    (name: string): Change =>
    ({ tensors }) => {
      expect(tensors.delete(name), `the file has ${name}`).toBe(true);
    };
  const turned =
    (name: string): Change =>
    ({ tensors }) => {
      const { shape, ...tensor } = tensors.get(name) ?? expect.fail(name);
      tensors.set(name, { ...tensor, shape: shape.toReversed() });
    };
  const widened =
    (name: string): Change =>
    ({ tensors }) => {
      const { shape, bytes } = tensors.get(name) ?? expect.fail(name);
      tensors.set(name, { shape, dtype: 'F64', bytes: new Uint8Array(bytes.length * 2) });
    };

  /** One value of a tensor, with the sign and exponent of an infinity or of none. */
  const spoiled =
    (name: string, place: number, value: number): Change =>
    ({ tensors }) => {
      const { bytes, ...tensor } = tensors.get(name) ?? expect.fail(name);
      const copy = Uint8Array.from(bytes);
      new DataView(copy.buffer).setFloat32(4 * place, value, true);
      tensors.set(name, { ...tensor, bytes: copy });
    };

  const wrong: [string, Change, RegExp][] = [
    [
      'a weight that is no number',
      spoiled('model.cell.Wx', 3, Number.NaN),
      /tensor model\.cell\.Wx holds NaN \(value 4 of 364\)/,
    ],
    [
      'a weight that is infinite',
      spoiled('model.vocabulary.b', 0, Number.NEGATIVE_INFINITY),
      /tensor model\.vocabulary\.b holds -Infinity/,
    ],
    [
      'a running average that is no number',
      spoiled('optimiser.captioner.v.embedding.W', 1, Number.NaN),
      /tensor optimiser\.captioner\.v\.embedding\.W holds NaN/,
    ],
    [
      'more epochs than reports',
      edited('training', 'progress.epoch', 7),
      /7 epochs are done, but there are reports of 1/,
    ],
    [
      'a report of another epoch',
      edited('training', 'progress.history.0.epoch', 4),
      /report of epoch 1 is of epoch 4/,
    ],
    [
      'a best epoch that never was',
      edited('training', 'progress.best.epoch', 3),
      /best epoch is 3 .* its own is "no report"/,
    ],
    [
      'a best loss that its epoch did not have',
      edited('training', 'progress.best.dev.loss', 0.125),
      /"loss":0\.125.* on dev, but its own is /,
    ],
    [
      'an optimiser that took no steps',
      edited('training', 'optimiser.steps.captioner', 0),
      /took 0 steps in 1 epochs/,
    ],
    ['a missing tensor', drop('model.cell.Wh'), /model\.cell\.Wh is missing/],
    [
      'a missing running average',
      drop('optimiser.captioner.v.cell.b'),
      /optimiser\.captioner\.v\.cell\.b is missing/,
    ],
    [
      'a tensor of another shape',
      turned('model.projection.W'),
      /projection\.W is F32 \(13, 8\).*F32 \(8, 13\)/,
    ],
    [
      'a running average of another shape',
      turned('optimiser.captioner.m.embedding.W'),
      /optimiser\.captioner\.m\.embedding\.W is F32 \(7, /,
    ],
    ['one tensor of another type', widened('model.cell.b'), /cell\.b is F64 .*needs F32/],
    [
      'a running average of another type',
      widened('optimiser.captioner.m.cell.b'),
      /optimiser\.captioner\.m\.cell\.b is F64/,
    ],
    [
      'another format',
      metadata('format', 'something'),
      /not a captioner: its metadata names something/,
    ],
    ['no format', without('format'), /no format/],
    ['another version', metadata('version', '3'), /of version 3\.1.*reads up to 2\.1/],
    ['broken JSON', metadata('config', '{"cell":'), /metadata entry config is missing or no JSON/],
    ['no vocabulary', edited('extras', 'vocabulary', null), /vocabulary/],
    [
      'an encoder without preprocessing',
      (file) => {
        const extras = JSON.parse(file.metadata.extras ?? '');
        const encoder = { kind: 'onnx', metadata: {} };
        file.metadata.extras = JSON.stringify({ vocabulary: extras.vocabulary, encoder });
      },
      /does not say how they are preprocessed/,
    ],
    ['a broken encoder', edited('extras', 'encoder', []), /metadata entry extras: encoder/],
    [
      'another vocabulary',
      edited('extras', 'vocabulary', Vocabulary.build([['one']])),
      /vocabulary has 5 words but the captioner was built for \d+/,
    ],
    ['a vocabulary of numbers', edited('extras', 'vocabulary', { words: [1] }), /vocabulary/],
    ['an unknown cell', edited('config', 'cell', 'brain'), /entry config: (.|\n)*cell/],
    ['a hidden size that is no number', edited('config', 'hiddenSize', '13'), /hiddenSize/],
    ['another hidden size', edited('config', 'hiddenSize', 14), /projection\.W .*\(8, 14\)/],
    ['a size beyond the file', edited('config', 'hiddenSize', 1e9), /needs F32 \(8, 1000000000\)/],
    [
      'sizes beyond all memory',
      edited('config', 'featureSize', 2 ** 52),
      /needs F32 \(4503599627370496, 13\)/,
    ],
    [
      'filters beyond the file',
      (file) => {
        edited('config', 'cnn', { size: 8, filters: [2 ** 30] })(file);
        edited('config', 'featureSize', 2 ** 30)(file);
      },
      /cnn\.layer1\.W is missing/,
    ],
    [
      'a cnn of another size',
      edited('config', 'cnn', { size: 8, filters: [1] }),
      /cnn makes 1 features but featureSize is 8/,
    ],
    [
      'a start word beyond the vocabulary',
      edited('config', 'startWord', 999),
      /startWord: is 999, but there are 14 words/,
    ],
    ['a recipe out of range', edited('training', 'recipe.decay', 2), /decay/],
    ['progress before the start', edited('training', 'progress.batch', -1), /batch/],
    [
      'another optimiser',
      edited('training', 'optimiser.kind', 'sgd'),
      /optimiser\.captioner\.velocity\..* is missing/,
    ],
    ['an optimiser that does not exist', edited('training', 'optimiser.kind', 'lion'), /kind/],
    ['a loss that is null', edited('training', 'progress.best.dev.loss', null), /loss/],
  ];

  test.each(wrong)('%s', async (_name, change, said) => {
    const bytes = changed(fileOf(await trained(tinyTask())), change);
    const before = engine().heap.usedBytes;
    const error = thrownBy(() => checkpointFrom(bytes));
    expect(error).toBeInstanceOf(FormatError);
    expect(String(error)).toMatch(said);
    expect(String(error)).toContain('tiny.glimpse');
    expect(engine().heap.usedBytes).toBe(before);
    expect(engine().openScopes).toBe(1);
  });

  test('any byte of the header changed gives a checkpoint or a FormatError', async () => {
    const bytes = fileOf(await trained(tinyTask()));
    const headerEnd =
      8 + Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
    const before = engine().heap.usedBytes;
    fc.assert(
      fc.property(fc.nat(headerEnd - 9), fc.integer({ min: 1, max: 255 }), (place, mask) => {
        using _work = scope();
        const harmed = Uint8Array.from(bytes);
        harmed[8 + place] = (harmed[8 + place] ?? 0) ^ mask;
        const error = thrownBy(() => checkpointFrom(harmed));
        if (error !== undefined) expect(error).toBeInstanceOf(FormatError);
      }),
      { seed: 4, numRuns: 500 },
    );
    expect(engine().heap.usedBytes).toBe(before);
  });

  test('the empty change is none', async () => {
    const checkpoint = await trained(tinyTask());
    const bytes = changed(fileOf(checkpoint), () => {});
    expect(stateOf(checkpointFrom(bytes))).toEqual(stateOf(checkpoint));
  });
});

test('a file from before there were schedules says what training did then', async () => {
  const bytes = changed(fileOf(await trained(tinyTask(), { decay: 0.5 })), ({ metadata }) => {
    const training = JSON.parse(metadata.training ?? '');
    const { optimiser, rate, decay, momentum, clip, batchSize, lengths, ...rest } = training.recipe;
    const { epochs, patience, minimumCount, maxWords, seed } = rest;
    const older = { optimiser, rate, decay, momentum, clip, batchSize, lengths };
    training.recipe = { ...older, epochs, patience, minimumCount, maxWords, seed };
    metadata.training = JSON.stringify(training);
  });
  expect(checkpointFrom(bytes).training?.recipe).toEqual(
    recipe({ epochs: 1, decay: 0.5, schedule: 'decay', warmup: 0 }),
  );
});

test('holds no tensor twice and is a plain safetensors file', async () => {
  const checkpoint = await trained(tinyTask());
  const { tensors, metadata } = parseSafetensors(fileOf(checkpoint), 'x');
  const names = [...tensors.keys()];
  const own = names.filter((name) => name.startsWith('model.'));
  expect(own.toSorted()).toEqual([
    'model.cell.Wh',
    'model.cell.Wx',
    'model.cell.b',
    'model.embedding.W',
    'model.projection.W',
    'model.projection.b',
    'model.vocabulary.W',
    'model.vocabulary.b',
  ]);
  expect(names).toHaveLength(3 * own.length);
  expect(metadata).toMatchObject({ format: 'glimpse model', kind: 'captioner' });
});

function thrownBy(work: () => unknown): unknown {
  try {
    work();
  } catch (error) {
    return error;
  }
  return undefined;
}

function plain(tree: TensorTree): unknown {
  const values: unknown[] = [];
  mapTree(tree, (leaf, path) => {
    values.push([path, leaf.dtype, leaf.shape, leaf.dataSync()]);
    return leaf;
  });
  return values;
}
