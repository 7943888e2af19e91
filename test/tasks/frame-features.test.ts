import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type OnnxGraph, onnxFile } from '@test/models/encoders/onnx.js';
import { commandLineOf, type Ran, stateIn } from '@test/tasks/command-line.js';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { parseSafetensors } from '@/data/formats/safetensors.js';
import { openCaptionedClips } from '@/data/video/clip-caption-dataset.js';
import { scope } from '@/engine/engine.js';
import { ClipCaptioner } from '@/tasks/video-captioner/clip-captioner.js';
import { videoCaptioner } from '@/tasks/video-captioner/index.js';
import { videoCaptionerKind } from '@/tasks/video-captioner/kind.js';
import { videoClassifier } from '@/tasks/video-classifier/index.js';
import { readModel } from '@/training/run.js';
import { writeMovingSquares } from './video-classifier/moving-square.js';

const folder = mkdtempSync(join(tmpdir(), 'glimpse-frame-features-'));
const inside = (name: string) => join(folder, name);
afterAll(() => rmSync(folder, { recursive: true, force: true }));
afterEach(() => {
  vi.restoreAllMocks();
  process.exitCode = undefined;
});

/** A network that weighs the colours of a frame: means of 8 x 8 pixels. */
const network = (weights: readonly number[]): OnnxGraph => ({
  input: { name: 'pixel_values', shape: ['batch', 'channels', 'height', 'width'] },
  nodes: [
    { operator: 'Mul', input: ['pixel_values', 'w'], output: 'y' },
    {
      ...{ operator: 'AveragePool', input: 'y', output: 'grid' },
      attributes: { kernel_shape: [8, 8], strides: [8, 8] },
    },
    { operator: 'Flatten', input: ['grid'], output: 'vector' },
  ],
  tensors: [{ name: 'w', dims: [1, 3, 1, 1], values: Float32Array.from(weights) }],
  outputs: [
    { name: 'grid', shape: ['batch', 'channels', 'h', 'w'] },
    { name: 'vector', shape: ['batch', 'features'] },
  ],
});
const config = { size: 16, image_mean: [0.1, 0.2, 0.3], image_std: [1, 1, 1], resample: 2 };
const encoder = inside('net/net.onnx');
const chosen = ['--pooled-output', 'vector', '--grid-output', 'grid'];
const other = inside('other/other.onnx');

beforeAll(() => {
  for (const [path, weights] of [
    [encoder, [1, 2, 3]],
    [other, [3, 2, 1]],
  ] as const) {
    mkdirSync(join(path, '..'));
    writeFileSync(path, onnxFile(network(weights)));
    writeFileSync(join(path, '../preprocessor_config.json'), JSON.stringify(config));
  }
});

/** The answer of a command that did what it was told. */
function answerOf({ code, answer, said }: Ran) {
  if (code !== 0) expect({ answer, said }).toEqual({});
  return JSON.parse(answer);
}

describe('captioner', () => {
  const glimpse = commandLineOf(videoCaptioner);
  const set = 'moving:12,dev=4,test=4,size=24,frames=8,order=yes,sentences=1';
  const extract = (name: string, ...more: string[]) =>
    glimpse(
      ...['features', set, '--for', 'video-captioner', '--encoder', encoder, ...chosen],
      ...['--out', inside(name), '--grid', '--json', ...more],
    );
  const train = (out: string, ...more: string[]) =>
    glimpse(
      ...['train', 'video-captioner', set, '--out', inside(out), '--epochs', '2', '--batch-size'],
      ...['6', '--embedding', '8', '--hidden', '12', '--minimum-count', '1', '--json', ...more],
    );
  const evaluate = (model: string, ...more: string[]) =>
    glimpse('evaluate', set, '--model', inside(model), '--json', '--captions', ...more);

  /** What the class says of the dev clips, as wholes and as single stretches. */
  async function saidBy(run: string): Promise<string[]> {
    using _work = scope();
    const { model } = await readModel(videoCaptionerKind, join(run, 'best.safetensors'));
    const captioner = await ClipCaptioner.create(model);
    const { splits } = await openCaptionedClips(set);
    const clips = splits.dev.map(({ clip }) => clip);
    const whole = await captioner.caption(clips);
    for (const [n, clip] of clips.entries()) {
      for await (const { caption } of captioner.follow(clip, 60)) {
        expect(caption).toBe(whole[n]?.caption);
      }
    }
    return whole.map(({ caption }) => caption);
  }

  beforeAll(async () => {
    const made = answerOf(await extract('even', '--frames', '4'));
    expect(made).toMatchObject({ clips: 20, frames: 80, resumed: 0, skipped: [] });
  });

  test.each([
    ['s2vt', ['--combine', 's2vt']],
    ['mean', ['--combine', 'mean']],
    ['mean of grids', ['--combine', 'mean', '--attention', 'dot', '--value-size', '6']],
    ['frames', ['--combine', 'attention', '--attention', 'additive', '--value-size', '6']],
    [
      'places',
      [
        '--combine',
        'attention',
        '--attention',
        'additive',
        '--value-size',
        '6',
        '--places',
        'grid',
      ],
    ],
  ])('%s: what learns from features sees clips as they are', async (name, flags) => {
    const { model } = answerOf(await train(name, '--features', inside('even'), ...flags));
    expect(model).toContain(name);
    const stored = answerOf(await evaluate(name, '--features', inside('even')));
    const seen = answerOf(await evaluate(name));
    expect(stored.captions).toHaveLength(4);
    expect(seen).toEqual(stored);
    expect(await saidBy(inside(name))).toEqual(
      stored.captions.map(({ caption }: { caption: string }) => caption),
    );
    const shuffled = await evaluate(name, '--features', inside('even'), '--shuffle-frames');
    const { lossPerWord } = answerOf(shuffled);
    if (name.startsWith('mean')) expect(lossPerWord).toBeCloseTo(stored.lossPerWord, 5);
    else expect(lossPerWord).not.toBe(stored.lossPerWord);
  });

  test('encodes the clips itself, and goes on with what it has', async () => {
    const flags = ['--combine', 's2vt', '--encoder', encoder, '--frames', '4'];
    answerOf(await train('own', ...flags, ...chosen));
    const { tensors, metadata } = parseSafetensors(
      readFileSync(inside('own/features.safetensors')),
      '',
    );
    expect(tensors.get('pooled')?.shape).toEqual([16 * 4, 12]);
    expect(JSON.parse(metadata.sampling ?? '')).toEqual({ frames: 4 });
    const own = answerOf(await evaluate('own'));
    expect({ ...own, models: [] }).toEqual({ ...answerOf(await evaluate('s2vt')), models: [] });
    const more = ['--resume', '--epochs', '3'];
    answerOf(await train('own', ...flags, ...more));
    answerOf(await train('s2vt', '--features', inside('even'), ...more));
    expect(answerOf(await evaluate('own')).lossPerWord).toBe(
      answerOf(await evaluate('s2vt')).lossPerWord,
    );
  });

  test('the weights of a model go on with its features', async () => {
    answerOf(
      await glimpse(
        ...['train', 'video-captioner', set, '--from', inside('s2vt'), '--out', inside('further')],
        ...['--features', inside('even'), '--epochs', '1', '--json'],
      ),
    );
    answerOf(await evaluate('further'));
  });

  test('features of another encoder, or of other frames, are refused', async () => {
    answerOf(await extract('by-rate', '--frame-rate', '5'));
    answerOf(await extract('foreign', '--frames', '4', '--encoder', other));
    const refused = async (ran: Promise<Ran>, ...reasons: RegExp[]) => {
      const { code, said } = await ran;
      expect(code).not.toBe(0);
      for (const reason of reasons) expect(said).toMatch(reason);
    };
    const even = ['--features', inside('even')];
    await refused(
      evaluate('s2vt', '--features', inside('by-rate')),
      /5 frames a second/,
      /4 frames evenly/,
      /glimpse features --frames 4/,
    );
    await refused(
      evaluate('s2vt', '--features', inside('foreign')),
      /made by other\.onnx/,
      /not by the encoder/,
    );
    await refused(train('no', ...even, '--frame-rate', '5'), /--frame-rate 5/, /4 frames evenly/);
    await refused(train('no', ...even, '--frames', '6'), /--frames 6/, /4 frames evenly/);
    await refused(train('no', ...even, '--encoder', other), /made by net\.onnx/);
    await refused(train('no', ...even, '--size', '24'), /--size.*--features/);
    await refused(train('no', ...even, '--augment'), /--augment.*--features/);
    await refused(
      train('no', ...even, '--preprocessing', 'imagenet'),
      /--preprocessing needs --encoder/,
    );
    await refused(
      glimpse(
        'train',
        'video-captioner',
        set,
        '--resume',
        inside('s2vt'),
        '--features',
        inside('by-rate'),
        '--json',
      ),
      /5 frames a second/,
    );
    const larger = set.replace('moving:12', 'moving:14');
    await refused(
      glimpse('train', 'video-captioner', larger, ...even, '--out', inside('no'), '--json'),
      /no features of 2 of 18 clips/,
      /glimpse features/,
    );
  });

  test('by rate: fewer frames than there are may be seen', async () => {
    const rate = ['--frame-rate', '5'];
    answerOf(await train('rate', '--features', inside('by-rate'), '--frames', '3', ...rate));
    const stored = await evaluate('rate', '--features', inside('by-rate'));
    expect(answerOf(await evaluate('rate'))).toEqual(answerOf(stored));
  });
});

describe('lrcn', () => {
  const glimpse = commandLineOf(videoClassifier);
  const set = inside('squares');
  const extract = (of: string, out: string, ...more: string[]) =>
    glimpse(
      ...['features', of, '--for', 'video-classifier', '--encoder', encoder, ...chosen],
      ...['--out', inside(out), '--json', ...more],
    );
  const train = (of: string, out: string, ...more: string[]) =>
    glimpse(
      ...['train', 'video-classifier', of, '--out', inside(out), '--json', '--hidden', '16'],
      ...['--batch-size', '4', '--rate', '0.02', '--dropout', '0', '--epochs', '15', ...more],
    );
  const lrcn = ['--model', 'lrcn'];
  const evaluate = (out: string, ...more: string[]) =>
    glimpse(
      ...['evaluate', set, '--model', join(inside(out), 'last.safetensors')],
      ...['--split', 'dev', '--json', ...more],
    );
  const model = inside('squares-run/last.safetensors');

  beforeAll(async () => {
    await writeMovingSquares(set, { train: 6, dev: 3 });
    const made = answerOf(await extract(set, 'squares-features'));
    expect(made).toMatchObject({ clips: 18, frames: 18 * 12, skipped: [] });
    const features = ['--features', inside('squares-features')];
    answerOf(await train(set, 'squares-run', ...lrcn, ...features, '--report', '--watch', '2'));
  });

  test('learns from features, and judges clips as they are alike', async () => {
    const seen = answerOf(await evaluate('squares-run'));
    const features = ['--features', inside('squares-features')];
    expect(answerOf(await evaluate('squares-run', ...features))).toEqual(seen);
    expect(seen).toMatchObject({ clips: 6, mistakes: 0 });
    const control = answerOf(await evaluate('squares-run', '--control', 'still'));
    expect(control.mistakes).toBeGreaterThan(0);
  });

  test('classifies and follows files', async () => {
    const clip = join(set, 'dev/right/1.gif');
    const [{ guesses }] = answerOf(await glimpse('classify', clip, '--model', model, '--json'));
    expect(guesses[0]).toMatchObject({ class: 'right' });
    const every = ['--every', '1.2s'];
    const followed = await glimpse('classify', clip, '--model', model, '--json', ...every);
    const [{ stretches }] = answerOf(followed);
    // One stretch, which is the whole clip.
    expect(stretches).toEqual([{ from: 0, to: 1.2, guesses }]);
  });

  test('draws pages', async () => {
    expect(readFileSync(inside('squares-run/report.html'), 'utf8')).toContain('2 of 6 dev clips');
    const page = inside('page.html');
    const drawn = await glimpse('report', set, '--model', model, '--out', page, '--json');
    expect(answerOf(drawn)).toMatchObject({ clips: 6 });
  });

  test.each([
    ['evenly', ['--frames', '5']],
    ['by rate', ['--frame-rate', '4']],
  ])('frames taken %s are taken so of clips, too', async (name, flags) => {
    const out = `lrcn-${name.replace(' ', '-')}`;
    answerOf(await extract(set, `${out}-features`, ...flags));
    const features = ['--features', inside(`${out}-features`)];
    answerOf(await train(set, out, ...lrcn, ...features, '--epochs', '2'));
    const seen = answerOf(await evaluate(out));
    expect(answerOf(await evaluate(out, ...features))).toEqual(seen);
    const clip = join(set, 'dev/right/1.gif');
    const last = join(inside(out), 'last.safetensors');
    const [{ guesses }] = answerOf(await glimpse('classify', clip, '--model', last, '--json'));
    const every = ['--every', '1.2s'];
    const followed = await glimpse('classify', clip, '--model', last, '--json', ...every);
    expect(answerOf(followed)[0].stretches[0].guesses).toEqual(guesses);
  });

  test('encodes the clips itself, and goes on bit for bit', async () => {
    const flags = [...lrcn, '--encoder', encoder, '--schedule', 'constant'];
    answerOf(await train(set, 'straight', ...flags, ...chosen, '--epochs', '4'));
    answerOf(await train(set, 'parts', ...flags, ...chosen, '--epochs', '2'));
    answerOf(await train(set, 'parts', ...flags, '--epochs', '4', '--resume'));
    expect(await stateIn(inside('parts'))).toEqual(await stateIn(inside('straight')));
  });

  test('clips that cannot be read are left out, and training does without them', async () => {
    const broken = inside('broken');
    cpSync(set, broken, { recursive: true });
    writeFileSync(join(broken, 'train/left/9.gif'), 'GIF89a');
    const stopped = await extract(broken, 'broken-features');
    expect([stopped.code, stopped.said]).toEqual([1, expect.stringMatching(/9\.gif.*--skip-bad/s)]);
    const made = answerOf(await extract(broken, 'broken-features', '--skip-bad'));
    expect(made).toMatchObject({
      clips: 18,
      skipped: [{ clip: 'train/left/9.gif', reason: expect.stringContaining('9.gif') }],
    });
    const features = ['--features', inside('broken-features')];
    const trained = await train(broken, 'without', ...lrcn, ...features, '--epochs', '1');
    answerOf(trained);
    expect(trained.said).toContain('1 clip that cannot be read is left out');
    expect(trained.said).toContain('12 train and 6 dev clips');
  });

  test('what does not go together is refused', async () => {
    const features = ['--features', inside('squares-features')];
    const refused = async (ran: Promise<Ran>, ...reasons: RegExp[]) => {
      const { code, said } = await ran;
      expect(code).not.toBe(0);
      for (const reason of reasons) expect(said).toMatch(reason);
    };
    const c3d = ['train', 'video-classifier', set, '--out', inside('no'), ...features];
    await refused(glimpse(...c3d), /c3d looks at frames.*--model lrcn/);
    await refused(train(set, 'no', ...lrcn, ...features, '--size', '20'), /--size/);
    await refused(train(set, 'no', ...lrcn, ...features, '--filters', '4'), /--filters/);
    await refused(train(set, 'no', ...lrcn, ...features, '--flip'), /--flip/);
    await refused(
      train(set, 'no', ...lrcn, ...features, '--frame-rate', '3'),
      /--frame-rate 3.*all frames/,
    );
    answerOf(await extract(set, 'few', '--frames', '2'));
    await refused(
      evaluate('squares-run', '--features', inside('few')),
      /2 frames evenly.*model sees all frames/,
    );
    answerOf(await extract(set, 'of-other', '--encoder', other));
    await refused(evaluate('squares-run', '--features', inside('of-other')), /made by other\.onnx/);
    answerOf(await train(set, 'own-eyes', ...lrcn, '--size', '8', '--epochs', '1'));
    await refused(evaluate('own-eyes', ...features), /sees frames itself/);
    await refused(
      extract(set, 'no', '--frames', '2', '--frame-rate', '2'),
      /--frames 2.*--frame-rate 2/,
    );
    const photos = glimpse('features', set, '--encoder', encoder, '--frames', '2');
    await refused(photos, /--frames needs --for/);
  });
});
