import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import { leaves, parameterCount } from '@/autograd/tree.js';
import { Engine, engine, scope, useEngine } from '@/engine/engine.js';
import { OutOfMemoryError } from '@/errors.js';
import { Captioner } from '@/models/captioner.js';
import { attentionKinds, type CaptionerConfig, cells } from '@/models/captioner-config.js';
import { captionerShapes } from '@/models/captioner-parameters.js';
import { type CnnConfig, cnnFeatureSize, cnnMapSize } from '@/models/cnn.js';
import { initialise, parametersOf, shapesCount } from '@/models/parameters.js';
import { Random } from '@/random.js';
import { classifierShapes, fullClassifier, planClassifier } from '@/tasks/classifier/config.js';
import { linspace, randomNormal, randomUniform } from '@/tensor/create.js';

const size = fc.integer({ min: 1, max: 7 });
const attention = fc.record({
  kind: fc.constantFrom(...attentionKinds),
  locations: fc.tuple(size, size),
  valueSize: size,
  size,
  glimpse: fc.integer({ min: 1, max: 4 }),
  centre: fc.constantFrom('state' as const, 'places' as const),
  gate: fc.boolean(),
  initialState: fc.constantFrom('image' as const, 'zero' as const),
  context: fc.constantFrom('cell' as const, 'output' as const),
  positions: fc.boolean(),
});
const configs = fc
  .record({
    cell: fc.constantFrom(...cells),
    layers: fc.integer({ min: 1, max: 3 }),
    featureSize: size,
    embeddingSize: size,
    hiddenSize: size,
    vocabularySize: size.map((words) => words + 2),
    tiedEmbeddings: fc.boolean(),
    layerNorm: fc.boolean(),
    attention: fc.option(attention, { nil: undefined }),
    cnn: fc.option(
      fc.record({
        size: size.map((side) => side + 7),
        filters: fc.array(size, { minLength: 1, maxLength: 3 }),
      }),
      { nil: undefined },
    ),
  })
  .map(fitted);

/** The same with features and places as many as the cnn makes, if there is one. */
function fitted<C extends CaptionerConfig & { cnn?: CnnConfig | undefined }>(
  config: C,
): CaptionerConfig {
  const { cnn, attention } = config;
  if (!cnn) return config;
  if (!attention) return { ...config, featureSize: cnnFeatureSize(cnn) };
  const side = cnnMapSize(cnn);
  const featureSize = cnn.filters.at(-1) ?? 3;
  return { ...config, featureSize, attention: { ...attention, locations: [side, side] } };
}

test('the shapes of any captioner are those of its parameters, and take no memory', () => {
  fc.assert(
    fc.property(configs, (config) => {
      using _work = scope();
      const { config: full, parameters } = new Captioner(config);
      const used = engine().heap.usedBytes;
      const shapes = captionerShapes(full);
      expect(shapesCount(shapes)).toBe(parameterCount(parameters));
      expect(engine().heap.usedBytes).toBe(used);
      expect([...parametersOf(shapes)].map(([path, { shape }]) => [path, shape])).toEqual(
        [...leaves(parameters)].map(([path, { shape }]) => [path, shape]),
      );
    }),
    { seed: 6, numRuns: 300 },
  );
});

describe('a model that is larger than the memory', () => {
  const initial = engine();
  afterEach(() => {
    useEngine(initial);
  });

  /** Draws nothing: whoever asks for a number fails. */
  class Untouched extends Random {
    override uint32(): number {
      return expect.fail('a weight was drawn');
    }
  }

  test('is refused before the first weight is drawn', () => {
    const small = new Engine({ heapLimit: 2 ** 20 });
    useEngine(small);
    // Each of its tensors would have room.
    const sizes = { featureSize: 100, embeddingSize: 100, hiddenSize: 100, vocabularySize: 1000 };
    const make = () => new Captioner({ cell: 'lstm', ...sizes }, { random: new Untouched(1) });
    expect(make).toThrow(OutOfMemoryError);
    expect(make).toThrow(/1,166,000 bytes \(1\.1 MiB\).* of at most 1,048,576/);
    const plan = planClassifier(
      fullClassifier({ network: 'fcn', picture: [1, 20, 20], classes: 10, size: 500 }),
    );
    expect(() => initialise(classifierShapes(plan), new Untouched(1))).toThrow(OutOfMemoryError);
    expect(small.heap.usedBytes).toBe(0);
  });

  test('takes no memory of the host either', () => {
    const before = process.memoryUsage().arrayBuffers;
    for (const make of [
      randomNormal,
      (random: Random, shape: number[]) => randomUniform(random, shape, 0, 1),
    ]) {
      expect(() => make(new Untouched(1), [30_000, 50_000])).toThrow(OutOfMemoryError);
    }
    expect(() => linspace(0, 1, [30_000, 50_000])).toThrow(OutOfMemoryError);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(2 ** 20);
  });
});
