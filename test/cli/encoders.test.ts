import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type OnnxGraph, onnxFile } from '@test/models/encoders/onnx.js';
import { beforeAll, describe, expect, test } from 'vitest';
import { parseSafetensors } from '@/data/formats/safetensors.js';
import {
  complaints,
  drawPhotos,
  glimpse,
  json,
  smallOnFeatures,
  temporaryFolder,
} from './glimpse.js';

const folder = temporaryFolder();
const inside = (name: string) => join(folder, name);
const dataset = `captions:${inside('set')},dev=0.3,test=0`;
const encoder = inside('net/net.onnx');
const features = (out: string, weights: string, ...more: string[]) =>
  glimpse(['features', dataset, '--encoder', weights, '--out', inside(out), '--json', ...more]);
const train = (out: string, ...more: string[]) =>
  glimpse([
    'train',
    'captioner',
    dataset,
    '--out',
    inside(out),
    '--epochs',
    '1',
    ...smallOnFeatures,
    ...more,
  ]);

/** A network whose only weights lie beside it: they weigh the colours of a photo of any size. */
const network: OnnxGraph = {
  input: { name: 'pixel_values', shape: ['batch', 'channels', 'height', 'width'] },
  nodes: [
    { operator: 'Mul', input: ['pixel_values', 'w'], output: 'y' },
    { operator: 'AveragePool', input: 'y', output: 'grid', attributes: { kernel_shape: [8, 8] } },
  ],
  tensors: [
    {
      ...{ name: 'w', dims: [1, 3, 1, 1] },
      outside: { location: 'net.onnx.data', offset: '0', length: '12' },
    },
  ],
  outputs: [{ name: 'grid', shape: ['batch', 'channels', 'h', 'w'] }],
};

const config = { size: 16, image_mean: [0.1, 0.2, 0.3], image_std: [1, 1, 1], resample: 2 };
const model = () => inside('run/best.safetensors');

beforeAll(async () => {
  for (const name of ['set', 'net', 'told']) mkdirSync(inside(name));
  const paths = await drawPhotos(inside('set'), 4);
  for (const path of paths) writeFileSync(path.replace('.png', '.txt'), 'a square\na red square\n');
  writeFileSync(encoder, onnxFile(network));
  writeFileSync(`${encoder}.data`, new Uint8Array(Float32Array.of(1, 2, 3).buffer));
  cpSync(inside('net'), inside('told'), { recursive: true });
  writeFileSync(inside('told/preprocessor_config.json'), JSON.stringify(config));
  const trained = await train('run', '--encoder', encoder, '--preprocessing', 'imagenet');
  expect(trained.stderr).toContain('(--preprocessing imagenet)');
  expect(trained.code).toBe(0);
});

describe('which preprocessing is used is said, and kept', () => {
  const kept = (out: string) => {
    const { metadata } = parseSafetensors(readFileSync(inside(out)), out);
    return JSON.parse(metadata.encoder ?? '').settings.preprocessing;
  };

  test('the default, with where to read of others', async () => {
    const made = await features('default.safetensors', encoder);
    expect(made.stderr).toMatch(
      /^net\.onnx sees photos squashed to 224x224; byte \/ 127\.5 - 1 \(the default.*--preprocessing.*docs\/encoders\.md\)\n$/,
    );
    expect(json(made).preprocessing).toEqual(kept('default.safetensors'));
    expect(kept('default.safetensors')).toMatchObject({ mean: [1, 1, 1], width: 224 });
  });

  test('what lies beside the network, or a name or file instead', async () => {
    const told = inside('told/net.onnx');
    const own = inside('own.json');
    writeFileSync(own, JSON.stringify({ ...config, size: 24 }));
    const made = await Promise.all([
      features('beside.safetensors', told),
      features('named.safetensors', told, '--preprocessing', 'clip'),
      features('file.safetensors', encoder, '--preprocessing', own),
    ]);
    expect(made.map(({ code }) => code)).toEqual([0, 0, 0]);
    expect(made[0]?.stderr).toMatch(
      /squashed to 16x16 \(bilinear\); byte \/ 255 - \(0\.1, 0\.2, 0\.3\) \(by .*told[/\\]preprocessor_config\.json\)/,
    );
    expect(made[1]?.stderr).toContain('(--preprocessing clip)');
    expect(made[2]?.stderr).toContain('squashed to 24x24');
    const names = ['beside', 'named', 'file'].map((name) => `${name}.safetensors`);
    expect(names.map((name) => kept(name).width)).toEqual([16, 224, 24]);
  });

  test('one folder up from onnx/, too', async () => {
    mkdirSync(inside('hub'));
    cpSync(inside('net'), inside('hub/onnx'), { recursive: true });
    writeFileSync(inside('hub/preprocessor_config.json'), JSON.stringify(config));
    const made = await features('hub.safetensors', inside('hub/onnx/net.onnx'));
    expect(made.stderr).toContain(`${join('hub', 'preprocessor_config.json')})`);
    expect(kept('hub.safetensors').width).toBe(16);
  });

  test('what cannot be done as it says is refused by name', async () => {
    const odd = inside('odd.json');
    writeFileSync(odd, JSON.stringify({ ...config, do_pad: true }));
    const refused = await Promise.all([
      features('x', encoder, '--preprocessing', odd),
      features('y', encoder, '--preprocessing', 'imagnet'),
      features('z', encoder, '--register-tokens', 'many'),
    ]);
    expect(refused[0]?.stderr).toMatch(/odd\.json: do_pad is true, which cannot be done/);
    expect(refused[1]?.stderr).toMatch(/imagnet: is neither a file nor one of imagenet, mobilenet/);
    expect(refused.map(({ code }) => code)).toEqual([1, 2, 2]);
    expect(existsSync(inside('x'))).toBe(false);
  });
});

describe('a model with the network in it', () => {
  const photo = () => inside('set/photo-0.png');
  const caption = async () => {
    const ended = await glimpse(['caption', photo(), '--model', model(), '--json']);
    expect([ended.code, complaints(ended)]).toEqual([0, '']);
    return ended.stdout;
  };

  test('needs neither the network nor its weights', async () => {
    const before = await caption();
    cpSync(inside('net'), inside('away'), { recursive: true });
    writeFileSync(`${encoder}.data`, new Uint8Array(Float32Array.of(-7, -7, -7).buffer));
    expect(await caption()).toBe(before);
    writeFileSync(`${encoder}.data`, readFileSync(inside('away/net.onnx.data')));
  });

  test('takes features of the same weights and preprocessing only', async () => {
    const evaluate = (name: string) =>
      glimpse(['evaluate', dataset, '--model', model(), '--features', inside(name), '--json']);
    const imagenet = ['--preprocessing', 'imagenet'];
    mkdirSync(inside('heavy'));
    cpSync(encoder, inside('heavy/net.onnx'));
    writeFileSync(inside('heavy/net.onnx.data'), new Uint8Array(Float32Array.of(4, 5, 6).buffer));
    await Promise.all([
      features('same.safetensors', encoder, ...imagenet),
      features('other.safetensors', encoder, '--preprocessing', 'clip'),
      features('heavy.safetensors', inside('heavy/net.onnx'), ...imagenet),
    ]);
    const names = ['same.safetensors', 'other.safetensors', 'heavy.safetensors'];
    const ended = await Promise.all(names.map(evaluate));
    expect(ended.map(({ code }) => code)).toEqual([0, 1, 1]);
    for (const { stderr } of ended.slice(1)) expect(stderr).toMatch(/was made by net\.onnx/);
  });

  test('flags that would be ignored are refused', async () => {
    await features('made.safetensors', encoder);
    const flag = ['--preprocessing', 'clip'];
    const made = ['--features', inside('made.safetensors'), '--encoder', encoder];
    // A folder each: while one run holds it, another is refused for that.
    const from = [
      'train',
      'captioner',
      dataset,
      '--out',
      inside('z'),
      '--from',
      model(),
      '--encoder',
      encoder,
    ];
    const ended = await Promise.all([
      train('x', ...flag),
      train('y', ...made, ...flag),
      train('run', '--resume', ...flag),
      glimpse([...from, '--grid-output', 'grid']),
    ]);
    expect(ended.map(({ code }) => code)).toEqual([2, 2, 2, 2]);
    expect(ended[0]?.stderr).toMatch(/--preprocessing needs --encoder/);
    expect(ended[1]?.stderr).toMatch(/made\.safetensors says how its encoder was used/);
    expect(ended[2]?.stderr).toMatch(/run goes on with its encoder/);
    expect(ended[3]?.stderr).toMatch(/--grid-output: the model of --from knows/);
  });
});
