import { expectRightGradients } from '@test/gradients.js';
import { describe, expect, test } from 'vitest';
import { leaves } from '@/autograd/tree.js';
import { Vocabulary } from '@/data/text/vocabulary.js';
import { decode } from '@/decoding/decode.js';
import { captionerModel } from '@/decoding/word-model.js';
import { scope } from '@/engine/engine.js';
import { ShapeError, UsageError, ValueError } from '@/errors.js';
import { cells } from '@/models/captioner-config.js';
import type { ClipFrames } from '@/models/clip-state.js';
import { VideoCaptioner } from '@/models/video-captioner.js';
import { combinations, type VideoCaptionerConfig } from '@/models/video-captioner-config.js';
import { Random } from '@/random.js';
import { randomNormal, tensor, zeros } from '@/tensor/create.js';
import type { Tensor } from '@/tensor/tensor.js';
import { Adam } from '@/training/optimisers.js';

const V = 11;

const sizes = {
  featureSize: 6,
  embeddingSize: 5,
  hiddenSize: 7,
  vocabularySize: V,
  dropout: 0,
  frames: 4,
} as const;

const places = { valueSize: 6, size: 5 } as const;

/** A captioner of clips for each form of frames and way of combining them. */
const forms = {
  'mean of features': { config: { combine: 'mean' }, frame: [6] },
  'mean of grids': {
    config: {
      combine: 'mean',
      attention: { kind: 'additive', locations: [1, 2, 2], ...places },
    },
    frame: [4, 6],
  },
  'mean of pixels': {
    config: { combine: 'mean', featureSize: 3, cnn: { size: 8, filters: [2, 3] } },
    frame: [3, 8, 8],
  },
  's2vt of features': { config: { combine: 's2vt' }, frame: [6] },
  's2vt of pixels': {
    config: { combine: 's2vt', featureSize: 3, cnn: { size: 8, filters: [2, 3] } },
    frame: [3, 8, 8],
  },
  's2vt of pixels and their motion': {
    config: {
      combine: 's2vt',
      featureSize: 3,
      cnn: { size: 8, filters: [2, 3], strides: [1, 2], motion: true },
    },
    frame: [3, 8, 8],
  },
  'attention to frames': {
    config: {
      combine: 'attention',
      attention: { kind: 'additive', locations: [4, 1, 1], ...places },
    },
    frame: [6],
  },
  'attention to places': {
    config: {
      combine: 'attention',
      attention: { kind: 'location', locations: [4, 1, 2], ...places },
    },
    frame: [2, 6],
  },
  'attention to places of pixels': {
    config: {
      combine: 'attention',
      featureSize: 3,
      cnn: { size: 8, filters: [2, 3] },
      attention: { kind: 'dot', locations: [4, 2, 2], ...places },
    },
    frame: [3, 8, 8],
  },
} as const satisfies Record<
  string,
  { config: Partial<VideoCaptionerConfig>; frame: readonly number[] }
>;
type Form = keyof typeof forms;
const allForms = Object.keys(forms) as Form[];

function build(form: Form, more: Partial<VideoCaptionerConfig> = {}, random = new Random(1)) {
  return new VideoCaptioner({ ...sizes, ...forms[form].config, ...more }, { random, dtype: 'f64' });
}

/** M clips of T frames, drawn. */
function clips(form: Form, [M, T]: readonly [number, number], random = new Random(2)): Tensor {
  return randomNormal(random, [M, T, ...forms[form].frame], 1, 'f64');
}

/** Captions of the three clips, of different lengths. */
const captions = () =>
  tensor(
    [
      [1, 5, 6, 2, 0],
      [1, 7, 2, 0, 0],
      [1, 4, 9, 8, 2],
    ],
    { dtype: 'i32' },
  );

test('with motion the cnn sees how a frame differs from the one before, and nothing at the first', () => {
  using _work = scope();
  const captioner = build('s2vt of pixels and their motion');
  const W = captioner.parameters.cnn.layer1?.W;
  expect(W?.shape).toEqual([2, 6, 3, 3]);
  const still = clips('s2vt of pixels and their motion', [1, 1]);
  const frames = tensor([...still.dataSync(), ...still.dataSync()], {
    shape: [1, 2, 3, 8, 8],
    dtype: 'f64',
  });
  // Of a clip that stands still there is no motion: the filters of motion are multiplied with 0.
  const scores = (x: Tensor) => captioner.step(captioner.start({ x }), [1]).scores.dataSync();
  const before = scores(frames);
  const other = Float64Array.from(frames.dataSync(), (value, i) => (i < 192 ? value : 2 * value));
  const moving = tensor(other, { shape: [1, 2, 3, 8, 8], dtype: 'f64' });
  const movingBefore = scores(moving);
  const values = Array.from(W?.dataSync() ?? []);
  W?.fillBy((i) => (values[i] ?? 0) + (Math.floor(i / 9) % 6 < 3 ? 0 : 1));
  expect(scores(frames)).toEqual(before);
  expect(scores(moving)).not.toEqual(movingBefore);
});

describe.each(allForms)('%s', (form) => {
  test('has the right gradient for every parameter and for the frames', () => {
    using _work = scope();
    const captioner = build(form, { cell: 'lstm', layers: 2, layerNorm: true });
    const lengths = [4, 1, 3];
    expectRightGradients(
      ({ parameters, x }) => captioner.forward(parameters, { x, lengths }, captions()),
      { parameters: captioner.parameters, x: clips(form, [3, 4]) },
      { perLeaf: 25 },
    );
  });

  test('a frame that is padding is not read, and learns nothing', () => {
    using _work = scope();
    const captioner = build(form);
    const lengths = [3, 1, 2];
    const short = clips(form, [3, 3]);
    const [loss, gradients] = learned(captioner, { x: short, lengths });
    // One more frame for all, which holds no numbers, as do the others behind a clip's end.
    const x = padded(short, lengths, 4);
    const [again, others] = learned(captioner, { x, lengths });
    expect(again).toBe(loss);
    for (const [path, gradient] of gradients) {
      expect(others.get(path)?.dataSync(), path).toEqual(gradient.dataSync());
    }
    // Clips of the same length one by one: what a batch of them makes of each.
    const one = build(form);
    for (const [m, length] of lengths.entries()) {
      const alone = short
        .slice(m, m + 1)
        .view(...short.shape.slice(1))
        .slice(0, length)
        .clone();
      const first = one.start({ x: alone.view(1, ...alone.shape) });
      const among = one.start({ x, lengths });
      const expected = one.step(first, [1]).scores.dataSync();
      const found = one.step(among, [1, 1, 1]).scores.at(m).dataSync();
      for (const [v, score] of expected.entries()) expect(found[v]).toBeCloseTo(score, 12);
    }
  });

  test('says step by step what it is taught with all words at once', () => {
    using _work = scope();
    const captioner = build(form, { layers: 2 });
    const shown = { x: clips(form, [3, 4]), lengths: [2, 4, 1] };
    const words = captions();
    const likeliest = captioner.predict(shown, words);
    const said = words.dataSync();
    let state = captioner.start(shown);
    for (let t = 0; t < 4; t++) {
      const step = captioner.step(state, [said[t] ?? 0, said[5 + t] ?? 0, said[10 + t] ?? 0]);
      for (let n = 0; n < 3; n++) {
        const scores = Array.from(step.scores.at(n).dataSync());
        expect(scores.indexOf(Math.max(...scores))).toBe(likeliest[n * 4 + t]);
      }
      state = step.state;
    }
  });

  test('several captions of one clip share what is seen of it', () => {
    using _work = scope();
    const captioner = build(form);
    const x = clips(form, [2, 3]);
    const image = [1, 0, 1];
    const one = captioner.forward(captioner.parameters, { x, lengths: [2, 3] }, captions(), {
      image,
    });
    const rows = tensor([...x.at(1).dataSync(), ...x.at(0).dataSync(), ...x.at(1).dataSync()], {
      shape: [3, ...x.shape.slice(1)],
      dtype: 'f64',
    });
    const each = captioner.forward(
      captioner.parameters,
      { x: rows, lengths: [3, 2, 3] },
      captions(),
    );
    expect(one.item()).toBeCloseTo(each.item(), 12);
  });
});

describe.each(combinations)('%s', (combine) => {
  const features =
    combine === 'mean'
      ? 'mean of features'
      : combine === 's2vt'
        ? 's2vt of features'
        : 'attention to frames';

  test.each(cells)(
    'starts at a loss near the log of the vocabulary for each word, cell %s',
    (cell) => {
      using _work = scope();
      const [words, T, N] = [500, 9, 40];
      const random = new Random(3);
      const captioner = new VideoCaptioner(
        {
          ...sizes,
          ...forms[features].config,
          cell,
          featureSize: 32,
          embeddingSize: 32,
          hiddenSize: 64,
          vocabularySize: words,
        },
        { random },
      );
      const said = Int32Array.from({ length: N * (T + 1) }, () => 1 + random.integer(words - 1));
      const { loss } = captioner.loss(
        { x: randomNormal(random, [N, 4, 32]) },
        tensor(said, { shape: [N, T + 1], dtype: 'i32' }),
      );
      expect(loss.item() / T / Math.log(words)).toBeGreaterThan(0.97);
      expect(loss.item() / T / Math.log(words)).toBeLessThan(1.03);
    },
  );

  test.each(cells)(
    'overfits some captions and then says them, greedily and with a beam of 1, cell %s',
    async (cell) => {
      using work = scope();
      const random = new Random(5);
      const [N, T, words] = [24, 6, 20];
      const captioner = new VideoCaptioner(
        {
          ...sizes,
          ...forms[features].config,
          cell,
          featureSize: 24,
          embeddingSize: 24,
          hiddenSize: 64,
          vocabularySize: words,
        },
        { random },
      );
      const truth = Array.from({ length: N }, () =>
        Array.from({ length: 2 + random.integer(T - 2) }, () => 4 + random.integer(words - 4)),
      );
      const given = truth.map((own) => [
        1,
        ...own,
        2,
        ...new Array<number>(T - own.length).fill(0),
      ]);
      const targets = tensor(given, { dtype: 'i32' });
      const lengths = Array.from({ length: N }, () => 1 + random.integer(4));
      const shown = { x: randomNormal(random, [N, 4, 24]), lengths };
      const adam = new Adam(captioner.parameters);
      let last = Number.POSITIVE_INFINITY;
      for (let step = 0; step < 300 && last > 0.05; step++) {
        using _step = scope();
        const { loss, gradients } = captioner.loss(shown, targets);
        adam.step(captioner.parameters, gradients, { rate: 1e-2 });
        last = loss.item();
      }
      expect(last).toBeLessThan(0.1);
      expect(await captioner.sample(shown, { maxLength: T })).toEqual(truth);
      const names = Array.from({ length: words - 4 }, (_, i) => `w${i}`);
      const vocabulary = Vocabulary.build([names], { minimumCount: 1 });
      const model = captionerModel(captioner, vocabulary);
      for (const beam of [1, 3]) {
        const found = await decode(model, shown, { decoder: 'beam', beam, maxLength: T });
        expect(found.map(([best]) => best && [...best.words])).toEqual(truth);
      }
      work.release(adam.state);
    },
  );
});

/** Loss and gradients of a captioner. */
function learned(captioner: VideoCaptioner, shown: ClipFrames): [number, Map<string, Tensor>] {
  const { loss, gradients } = captioner.loss(shown, captions());
  return [loss.item(), new Map(leaves(gradients))];
}

/** Clips (M, T, ...) with more frames, and no numbers in all that lie behind a clip's end. */
function padded(x: Tensor, lengths: readonly number[], T: number): Tensor {
  const [M = 0, , ...frame] = x.shape;
  const longer = zeros([M, T, ...frame], x.dtype).fill(Number.NaN);
  for (const [m, length] of lengths.entries()) {
    for (let t = 0; t < length; t++) longer.at(m).at(t).assign(x.at(m).at(t).dataSync());
  }
  return longer;
}

describe('refuses', () => {
  const wrong: readonly [string, Partial<VideoCaptionerConfig>, RegExp][] = [
    [
      'attention beside s2vt',
      { combine: 's2vt', attention: { kind: 'dot', locations: [4, 1, 1] } },
      /s2vt/,
    ],
    ['combining by attention without one', { combine: 'attention' }, /attention/],
    [
      'a window that would move through time',
      { combine: 'attention', attention: { kind: 'spatial-transformer', locations: [4, 2, 2] } },
      /window/,
    ],
    [
      'attention to the mean of vectors',
      { combine: 'mean', attention: { kind: 'dot', locations: [1, 1, 1] } },
      /one place/,
    ],
    [
      'another number of frames in attention.locations',
      { combine: 'attention', attention: { kind: 'dot', locations: [3, 1, 1] } },
      /3 frames, not 4/,
    ],
    [
      'a grid that the cnn does not make',
      {
        combine: 'attention',
        featureSize: 3,
        cnn: { size: 8, filters: [2, 3] },
        attention: { kind: 'dot', locations: [4, 3, 3] },
      },
      /2 x 2/,
    ],
    [
      'a featureSize that the cnn does not make',
      { combine: 'mean', cnn: { size: 8, filters: [2] } },
      /featureSize/,
    ],
    ['a way that does not exist', { combine: 'sum' as 'mean' }, /combine/],
  ];
  test.each(wrong)('%s', (_, config, message) => {
    const refused = () => new VideoCaptioner({ ...sizes, ...config });
    expect(refused).toThrow(UsageError);
    expect(refused).toThrow(message);
  });

  test('clips of another form, too long ones, and lengths that are none', () => {
    using _work = scope();
    const captioner = build('attention to frames');
    const start = (shown: ClipFrames) => () => captioner.start(shown);
    expect(start({ x: zeros([2, 3, 5], 'f64') })).toThrow(ShapeError);
    expect(start({ x: zeros([2, 3, 2, 6], 'f64') })).toThrow(/\(M, T, 6\)/);
    expect(start({ x: zeros([2, 0, 6], 'f64') })).toThrow(ShapeError);
    expect(start({ x: zeros([2, 5, 6], 'f64') })).toThrow(/4 frames/);
    expect(start({ x: zeros([2, 3, 6], 'f64'), lengths: [3] })).toThrow(ShapeError);
    expect(start({ x: zeros([2, 3, 6], 'f64'), lengths: [3, 0] })).toThrow(ValueError);
    expect(start({ x: zeros([2, 3, 6], 'f64'), lengths: [3, 4] })).toThrow(ValueError);
  });
});
