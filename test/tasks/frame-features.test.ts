import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type OnnxGraph, onnxFile } from '@test/models/encoders/onnx.js';
import { commandLineOf, type Ran } from '@test/tasks/command-line.js';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { parseSafetensors } from '@/data/formats/safetensors.js';
import { videoCaptioner } from '@/tasks/video-captioner/index.js';

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
  ],
  tensors: [{ name: 'w', dims: [1, 3, 1, 1], values: Float32Array.from(weights) }],
  outputs: [{ name: 'grid', shape: ['batch', 'channels', 'h', 'w'] }],
});
const config = { size: 16, image_mean: [0.1, 0.2, 0.3], image_std: [1, 1, 1], resample: 2 };
const encoder = inside('net/net.onnx');
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
      ...['features', set, '--for', 'video-captioner', '--encoder', encoder],
      ...['--out', inside(name), '--grid', '--json', ...more],
    );
  const train = (out: string, ...more: string[]) =>
    glimpse(
      ...['train', 'video-captioner', set, '--out', inside(out), '--epochs', '2', '--batch-size'],
      ...['6', '--embedding', '8', '--hidden', '12', '--minimum-count', '1', '--json', ...more],
    );
  const evaluate = (model: string, ...more: string[]) =>
    glimpse('evaluate', set, '--model', inside(model), '--json', '--captions', ...more);

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
    const shuffled = await evaluate(name, '--features', inside('even'), '--shuffle-frames');
    const { lossPerWord } = answerOf(shuffled);
    if (name.startsWith('mean')) expect(lossPerWord).toBeCloseTo(stored.lossPerWord, 5);
    else expect(lossPerWord).not.toBe(stored.lossPerWord);
  });

  test('encodes the clips itself, and goes on with what it has', async () => {
    const flags = ['--combine', 's2vt', '--encoder', encoder, '--frames', '4'];
    answerOf(await train('own', ...flags));
    const { tensors, metadata } = parseSafetensors(
      readFileSync(inside('own/features.safetensors')),
      '',
    );
    expect(tensors.get('pooled')?.shape).toEqual([16 * 4, 3]);
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
    await refused(
      glimpse(
        'train',
        'video-captioner',
        `${set},seed=1`.replace('moving:12', 'moving:13'),
        ...even,
        '--out',
        inside('no'),
        '--json',
      ),
      /no features of 1 of/,
    );
  });

  test('by rate: fewer frames than there are may be seen', async () => {
    const rate = ['--frame-rate', '5'];
    answerOf(await train('rate', '--features', inside('by-rate'), '--frames', '3', ...rate));
    const stored = await evaluate('rate', '--features', inside('by-rate'));
    expect(answerOf(await evaluate('rate'))).toEqual(answerOf(stored));
  });
});
