import { type FixtureArray, fixture } from '@test/golden.js';
import { describe, expect, test } from 'vitest';
import { type SafetensorsTensor, safetensorsTensor } from '@/data/formats/safetensors-dtypes.js';
import { scope } from '@/engine/engine.js';
import { FormatError } from '@/errors.js';
import { initialise } from '@/models/parameters.js';
import { judging } from '@/models/video/network.js';
import { takeTorchvisionWeights } from '@/models/video/torchvision-weights.js';
import { planVideoResnet, videoResnetSchema, videoResnets } from '@/models/video/video-resnet.js';
import { Random } from '@/random.js';
import { tensor } from '@/tensor/create.js';
import { elementCount } from '@/tensor/shape.js';

interface Case {
  readonly shapes: Readonly<Record<string, readonly number[]>>;
  readonly scores: FixtureArray;
}

const cases = fixture<Record<string, Case>>('video_resnets.json');
const blocks = [1, 1];

/** The state dict that tools/reference/video_resnets.py fills by a formula. */
function stateDict({ shapes }: Case): Map<string, SafetensorsTensor> {
  return new Map(
    Object.entries(shapes).map(([name, shape], k) => {
      const size = elementCount(shape);
      const inputs = size / (shape[0] ?? 1);
      const values = Float64Array.from({ length: size }, (_, i) => {
        const s = Math.sin(0.7 * i + k);
        if (shape.length > 1) return s / Math.sqrt(inputs);
        if (name.endsWith('running_var')) return 1 + 0.5 * s * s;
        return name.endsWith('weight') ? 1 + 0.1 * s : 0.1 * s;
      });
      return [name, safetensorsTensor(values, shape)];
    }),
  );
}

describe.each(videoResnets)('%s', (kind) => {
  const network = planVideoResnet(kind, videoResnetSchema.parse({ blocks }), [3, 3, 12, 14], 5);

  test("scores clips as torchvision's does with the same state dict", () => {
    using _test = scope();
    const golden = cases[kind];
    if (!golden) throw new Error(`no golden scores of ${kind}`);
    const parameters = initialise(network.shapes, new Random(1), 'f64');
    const state = initialise(network.state, new Random(1), 'f64');
    takeTorchvisionWeights(parameters, state, stateDict(golden), 'golden');
    const x = tensor(
      Float64Array.from({ length: 3 * 3 * 12 * 14 }, (_, i) => Math.cos(0.3 * i)),
      { shape: [1, 3, 3, 12, 14], dtype: 'f64' },
    );
    const { scores } = network.scores(parameters, state, { x }, judging);
    expect(golden.scores.data).toHaveLength(5);
    for (const [k, score] of scores.dataSync().entries()) {
      expect(score).toBeCloseTo(golden.scores.data[k] ?? Number.NaN, 7);
    }
  });
});

test('a state dict of another network is refused, and nothing changed', () => {
  using _test = scope();
  const plan = (width: number) =>
    planVideoResnet('mc3', videoResnetSchema.parse({ width, blocks: [1] }), [3, 3, 12, 14], 5);
  const network = plan(4);
  const parameters = initialise(network.shapes, new Random(1));
  const state = initialise(network.state, new Random(1));
  const before = parameters['stem.1'];
  const tensors = new Map([
    ['stem.0.weight', safetensorsTensor(new Float32Array(4 * 3 * 3 * 49), [4, 3, 3, 7, 7])],
    ['stem.1.weight', safetensorsTensor(new Float32Array(5), [5])],
  ]);
  const take = () => takeTorchvisionWeights(parameters, state, tensors, 'file');
  expect(take).toThrow(FormatError);
  expect(take).toThrow('tensor "stem.1.weight" is (5), but the network takes (4)');
  expect(parameters['stem.1']).toBe(before);
  tensors.delete('stem.1.weight');
  expect(take).toThrow('has no tensor "stem.1.weight": the network is another one');
});
