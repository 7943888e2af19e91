import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { randomSqueezenet } from '@test/models/encoders/random-squeezenet.js';
import { beforeAll, describe, expect, test } from 'vitest';
import { encodeSafetensors, parseSafetensors } from '@/data/formats/safetensors.js';
import {
  complaints,
  contentOf,
  drawPhotos,
  type Ended,
  glimpse,
  json,
  small,
  smallOnFeatures,
  temporaryFolder,
} from './glimpse.js';

const folder = temporaryFolder();
const net = join(folder, 'net.safetensors');
const run = join(folder, 'run');
const scenes = 'scenes:6,size=32';
const tuned = (out: string, ...flags: string[]) => [
  ...['train', 'captioner', scenes, '--out', join(folder, out), '--encoder', net],
  ...['--finetune-encoder', 'features.12', ...smallOnFeatures, '--json', ...flags],
];
const content = (out: string) => contentOf(readFileSync(join(folder, out, 'last.safetensors')));

let first: Ended;
beforeAll(async () => {
  writeFileSync(net, encodeSafetensors(randomSqueezenet()));
  first = await glimpse(tuned('run', '--epochs', '1', '--augment', '--encoder-rate', '0.5'));
});

test('the model captions photos as any other does', async () => {
  expect(first.stderr).not.toContain('glimpse:');
  expect(json(first)).toMatchObject({ outcome: 'finished', epochs: 1 });
  const { metadata, tensors } = parseSafetensors(
    readFileSync(join(run, 'best.safetensors')),
    'best',
  );
  expect(JSON.parse(metadata.training ?? '')).toMatchObject({
    recipe: {
      ...{ finetuneEncoder: 'features.12', encoderRate: 0.5 },
      ...{ lengths: 'grouped', augment: true },
    },
  });
  const changed = [...randomSqueezenet()].flatMap(([name, { bytes }]) =>
    Buffer.from(tensors.get(`encoder.${name}`)?.bytes ?? []).equals(bytes) ? [] : [name],
  );
  expect(changed.filter((name) => name.endsWith('weight'))).toEqual(
    ['squeeze', 'expand1x1', 'expand3x3'].map((part) => `features.12.${part}.weight`),
  );
  const [photo = ''] = await drawPhotos(folder, 1);
  const model = ['--model', join(run, 'best.safetensors'), '--json'];
  const caption = await glimpse(['caption', photo, ...model]);
  expect(complaints(caption)).toBe('');
  expect(caption.code).toBe(0);
  const measured = await glimpse(['evaluate', scenes, '--split', 'dev', ...model]);
  const { dev } = Object(json(first).best);
  expect(json(measured)).toMatchObject({ lossPerWord: expect.closeTo(dev.loss, 5) });
});

test('features of the encoder as it was are another’s', async () => {
  const features = join(folder, 'features.safetensors');
  await glimpse(['features', scenes, '--encoder', net, '--out', features]);
  const model = join(run, 'best.safetensors');
  const { code, stderr } = await glimpse([
    ...['evaluate', scenes, '--split', 'dev', '--model', model, '--features', features],
  ]);
  expect(stderr).toMatch(/features\.safetensors was made by SqueezeNet .*, not by the encoder/);
  expect(code).not.toBe(0);
});

test('a run of two epochs is one of one and --resume', async () => {
  const flags = ['--augment', '--encoder-rate', '0.5'];
  const [resumed, straight] = await Promise.all([
    glimpse(tuned('run', '--resume', '--epochs', '2', ...flags)),
    glimpse(tuned('straight', '--epochs', '2', ...flags)),
  ]);
  expect([resumed.stderr, resumed.code, straight.code]).toEqual([
    expect.not.stringContaining('glimpse:'),
    0,
    0,
  ]);
  expect(content('run')).toEqual(content('straight'));
});

test('a model trained on features goes on with its encoder, which may be trained already', async () => {
  const plain = join(folder, 'plain');
  const begun = ['train', 'captioner', scenes, '--out', plain, '--encoder', net, '--epochs', '1'];
  expect((await glimpse([...begun, ...smallOnFeatures])).code).toBe(0);
  const next = await glimpse([
    ...['train', 'captioner', scenes, '--out', join(folder, 'next'), '--epochs', '1', '--json'],
    ...['--from', join(plain, 'best.safetensors'), '--finetune-encoder', 'features.12'],
  ]);
  expect(json(next)).toMatchObject({ outcome: 'finished', epochs: 1 });
  // --encoder again is the encoder that it began with.
  const again = await glimpse([
    ...[
      'train',
      'captioner',
      scenes,
      '--out',
      join(folder, 'again'),
      '--epochs',
      '1',
      '--encoder',
      net,
    ],
    ...['--from', join(folder, 'next', 'best.safetensors')],
    ...['--finetune-encoder', 'features.12'],
  ]);
  expect([again.code, again.stderr]).toEqual([0, expect.not.stringContaining('glimpse:')]);
});

describe('refused', () => {
  const begin = (...flags: string[]) => [
    'train',
    'captioner',
    scenes,
    '--out',
    join(folder, 'x'),
    ...flags,
  ];
  const tune = ['--finetune-encoder', 'features.9'];
  test.each([
    [
      begin('--finetune-encoder', 'from=features.9'),
      /'from=features\.9'.*features\.0, .*features\.12/,
    ],
    [begin('--finetune-encoder', 'features.13'), /features\.13.*features\.12/],
    [begin(...tune), /--finetune-encoder needs the SqueezeNet/],
    [begin(...tune, '--encoder', 'net.onnx'), /SqueezeNet only, .*net\.onnx is an ONNX network/],
    [begin(...tune, '--features', 'f', '--encoder', net), /--features f are made once/],
    [begin('--encoder-rate', '0.1', '--encoder', net), /--encoder-rate needs --finetune-encoder/],
    [begin(...tune, '--encoder', net, '--picture-size', '32'), /--picture-size is for a model/],
  ])('%j', async (args, message) => {
    const { code, stderr } = await glimpse(args);
    expect(stderr).toMatch(message);
    expect(code).toBe(2);
  });

  test('another end, or none, when a run goes on', async () => {
    const flags = ['--resume', '--finetune-encoder', 'features.11'];
    const other = await glimpse(['train', 'captioner', scenes, '--out', run, ...flags]);
    expect(other.stderr).toMatch(/--finetune-encoder features\.11.*with features\.12/);
    const shown = await glimpse([
      ...['train', 'captioner', scenes, '--out', run, '--resume', '--features', 'f.safetensors'],
    ]);
    expect(shown.stderr).toMatch(/--features f\.safetensors: .*since it trains its encoder/);
    const seeing = join(folder, 'seeing');
    const flagsOf = ['--picture-size', '24', ...small, '--epochs', '1'];
    await glimpse(['train', 'captioner', scenes, '--out', seeing, ...flagsOf]);
    const late = await glimpse(['train', 'captioner', scenes, '--out', seeing, ...flags]);
    expect(late.stderr).toMatch(/--finetune-encoder features\.11.*started without it/);
    const from = ['--from', join(seeing, 'last.safetensors'), ...tune];
    const blind = await glimpse(begin(...from));
    expect(blind.stderr).toMatch(/sees pictures itself and has no encoder/);
    expect([other, shown, late, blind].map(({ code }) => code)).toEqual([2, 2, 2, 2]);
  });

  test('an encoder that is not the one it began with', async () => {
    const tensors = randomSqueezenet();
    tensors.set('features.7.squeeze.bias', tensors.get('features.5.squeeze.bias') as never);
    const other = join(folder, 'other.safetensors');
    writeFileSync(other, encodeSafetensors(tensors));
    copyFileSync(join(run, 'last.safetensors'), join(folder, 'model.safetensors'));
    const from = ['--from', join(folder, 'model.safetensors'), '--encoder', other, ...tune];
    const { code, stderr } = await glimpse(begin(...from));
    expect(stderr).toMatch(/other\.safetensors is not the encoder .*features\.7\.squeeze\.bias/);
    expect(code).not.toBe(0);
  });
});
