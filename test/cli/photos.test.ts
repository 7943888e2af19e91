import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import {
  complaints,
  drawPhotos,
  failureOf,
  glimpse,
  program,
  small,
  temporaryFolder,
} from './glimpse.js';

const folder = temporaryFolder();
const out = join(folder, 'run');
const model = join(out, 'best.safetensors');
let photos: readonly string[];

beforeAll(async () => {
  photos = await drawPhotos(folder, 3);
  const sizes = ['--picture-size', '24', '--epochs', '2'];
  const { code, stderr } = await glimpse([
    'train',
    'captioner',
    'scenes:24,size=24',
    '--out',
    out,
    ...sizes,
    ...small,
  ]);
  expect(stderr).not.toContain('glimpse:');
  expect(code).toBe(0);
});

describe('caption', () => {
  test('one photo: its caption alone', async () => {
    const ended = await glimpse(['caption', photos[0] ?? '', '--model', model]);
    expect([ended.code, complaints(ended)]).toEqual([0, '']);
    expect(ended.stdout).toMatch(/^[^\n]*\n$/);
  });

  test('bad photos and missing ones do not cost the others theirs, and are told at the end', async () => {
    const text = join(folder, 'text.jpg');
    writeFileSync(text, 'no photo at all');
    const short = join(folder, 'short.png');
    writeFileSync(short, readFileSync(photos[0] ?? '').subarray(0, 300));
    const missing = join(folder, 'missing.jpg');
    const all = [missing, ...photos, text, short];
    const flags = ['--model', model, '--json', '--batch-size', '2'];
    const { code, stdout, stderr } = await glimpse(['caption', ...all, ...flags]);
    expect(code).toBe(1);
    const told: { image: string; caption: string }[] = JSON.parse(stdout);
    expect(told.map(({ image }) => image)).toEqual(photos);
    for (const { caption } of told) expect(caption).toBeTypeOf('string');
    expect(JSON.parse(complaints({ stderr })).error).toMatchObject({
      kind: 'left-out',
      message: '3 of 6 photos could not be captioned',
      images: [
        { image: missing, reason: `${missing}: cannot be read: no such file or folder` },
        {
          image: text,
          reason: expect.stringMatching(/text\.jpg: is no photo that can be decoded/),
        },
        { image: short, reason: expect.stringMatching(/short\.png: is no photo that can be/) },
      ],
    });
    const alone = await glimpse(['caption', text, '--model', model, '--json']);
    expect(alone).toMatchObject({ code: 1, stdout: '[\n]\n' });
    expect(failureOf(alone)).toMatch(/text\.jpg: is no photo [^\n]+$/);
  });

  test('decodes as the flags say: n best of a beam, with log-probabilities', async () => {
    const beam = ['--decoder', 'beam', '--beam', '3', '--n-best', '2'];
    const photo = photos[0] ?? '';
    const ended = await glimpse(['caption', photo, '--model', model, ...beam, '--json']);
    const [{ caption, logProbability, alternatives }] = JSON.parse(ended.stdout);
    expect(alternatives).toHaveLength(2);
    expect(alternatives[0]).toEqual({ caption, logProbability });
    expect(logProbability).toBeLessThan(0);
    const lines = await glimpse(['caption', photo, '--model', model, ...beam]);
    expect(lines.stdout.trimEnd().split('\n')).toHaveLength(2);
  });

  test.each([
    [['--beam', '3'], /--beam 3 needs --decoder beam/],
    [['--decoder', 'sample', '--top-p', '2'], /--top-p.*'2'.*must be at most 1/],
    [['--max-length', 'abc'], /--max-length.*'abc'.*must be a number/],
    [['--decoder', 'beam', '--length-penalty', 'x'], /--length-penalty/],
  ])('flags of decoding that are wrong: %j', async (flags, message) => {
    const { code, stderr } = await glimpse(['caption', 'x.jpg', '--model', model, ...flags]);
    expect(stderr).toMatch(message);
    expect(stderr).toMatch(/^glimpse: [^\n]+\n$/);
    expect(code).toBe(2);
  });

  test('a reader that goes away is no failure', async () => {
    const many = Array.from({ length: 60 }, () => photos[0] ?? '');
    const ended = await new Promise((resolve) => {
      const child = spawn(process.execPath, [program, 'caption', ...many, '--model', model], {
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      let stderr = '';
      child.stderr.on('data', (part) => {
        stderr += part;
      });
      child.stdout.once('data', () => child.stdout.destroy());
      child.on('close', (code) => resolve({ code, stderr }));
    });
    expect(ended).toEqual({ code: 0, stderr: '' });
  });
});

describe('a model that is none', () => {
  const write = (name: string, content: Uint8Array | string) => {
    const path = join(folder, name);
    writeFileSync(path, content);
    return path;
  };
  const header = (length: bigint, text: string) => {
    const bytes = Buffer.alloc(8 + text.length);
    bytes.writeBigUInt64LE(length);
    bytes.write(text, 8);
    return bytes;
  };
  /** The model with one entry of its metadata changed. */
  const lying = (change: (metadata: Record<string, string>) => void) => {
    const bytes = readFileSync(model);
    const length = Number(bytes.readBigUInt64LE());
    const json = JSON.parse(bytes.subarray(8, 8 + length).toString());
    change(json.__metadata__);
    const text = Buffer.from(JSON.stringify(json));
    const start = Buffer.alloc(8);
    start.writeBigUInt64LE(BigInt(text.length));
    return Buffer.concat([start, text, bytes.subarray(8 + length)]);
  };

  const cases: Readonly<Record<string, () => Uint8Array | string>> = {
    'an empty file': () => '',
    'a text': () => 'Not a model but a letter to whom it may concern.',
    'cut short': () => readFileSync(model).subarray(0, -1000),
    'cut short in its header': () => readFileSync(model).subarray(0, 500),
    'a header of 2^62 bytes': () => header(2n ** 62n, '{}'),
    'a header that nests 100,000 deep': () => header(100_000n, '['.repeat(100_000)),
    'other safetensors': () => header(2n, '{}'),
    'another version': () => lying((metadata) => Object.assign(metadata, { version: '99' })),
    'a captioner of 10^9 units': () =>
      lying((metadata) => {
        metadata.config = (metadata.config ?? '').replace(
          /"hiddenSize":\d+/,
          '"hiddenSize":1000000000',
        );
      }),
    'a vocabulary of numbers': () =>
      lying((metadata) => {
        metadata.extras = (metadata.extras ?? '').replace(
          /"words":\[[^\]]*\]/,
          '"words":[1,2,3,4,5]',
        );
      }),
    'metadata that are no JSON': () =>
      lying((metadata) => {
        metadata.training = '{"recipe":';
      }),
  };

  test.each(Object.entries(cases))('%s', async (name, content) => {
    const path = write(`${name.replaceAll(/\W/g, '-')}.safetensors`, content());
    const { code, stdout, stderr } = await glimpse(['caption', photos[0] ?? '', '--model', path]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/^glimpse: [^\n]+\n$/);
    expect(stderr).toContain(path);
    expect(stderr).not.toContain('this is a bug');
  });
});
