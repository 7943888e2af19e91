import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { glimpse, inBash, json, temporaryFolder } from './glimpse.js';

const decoding = [
  ...['--decoder', '--max-length', '--beam', '--length-penalty', '--diverse-groups'],
  ...['--diversity', '--temperature', '--top-k', '--top-p', '--seed', '--no-block-unknown'],
  ...['--block-repetition', '--block-ngrams', '--remove-bad-endings', '--prefix'],
];

/** A captioner that Glimpse 0.1 wrote. */
const model = fileURLToPath(
  new URL('../fixtures/models-0.1/captioner-additive.safetensors', import.meta.url),
);
const classifier = fileURLToPath(
  new URL('../fixtures/models-0.1/classifier.safetensors', import.meta.url),
);

/** What the help of a command has to name: flags, or the commands below it. */
const flags: Readonly<Record<string, readonly string[]>> = {
  info: ['--json'],
  demo: ['--out', '--scenes', '--epochs', '--seed', '--overwrite', '--json'],
  features: [
    ...['--encoder', '--out', '--grid', '--batch-size', '--skip-bad', '--restart'],
    ...['--preprocessing', '--pooled-output', '--grid-output', '--register-tokens', '--json'],
  ],
  train: ['captioner', 'classifier', 'video-classifier', 'video-captioner'],
  'train captioner': [
    ...['--out', '--features', '--encoder', '--no-normalise', '--picture-size', '--filters'],
    ...['--preprocessing', '--pooled-output', '--grid-output', '--register-tokens'],
    ...['--finetune-encoder', '--encoder-rate'],
    ...['--cell', '--hidden', '--embedding', '--dropout', '--minimum-count', '--max-words'],
    ...['--scheduled-sampling', '--sampling-growth', '--sampling-epochs', '--label-smoothing'],
    ...['--optimiser', '--rate', '--decay', '--momentum', '--clip', '--batch-size', '--lengths'],
    ...['--augment', '--augment-shift', '--augment-colours', '--augment-flip'],
    ...['--epochs', '--patience', '--seed', '--overwrite', '--resume', '--log', '--json'],
  ],
  caption: [
    ...['--model', '--recursive', '--alt-text', '--n-best', ...decoding, '--format', '--json'],
    ...['--attention', '--out', '--overwrite', '--batch-size', 'captioner, video-captioner'],
  ],
  classify: ['--model', '--top', '--recursive', '--json', 'classifier, video-classifier'],
  [`classify --model ${classifier}`]: ['--top', '--invert'],
  generate: [
    ...['--model', '--out', '--count', '--seed', '--class', '--columns', '--interpolate'],
    ...['--traverse', '--range', '--steps', '--seconds', '--overwrite', '--json', 'vae'],
  ],
  reconstruct: [
    ...['--model', '--out', '--columns', '--invert', '--recursive', '--overwrite', '--json'],
    'vae, autoencoder',
  ],
  'train vae': [
    ...['--out', '--network', '--filters', '--hidden', '--activation', '--latent', '--pixels'],
    ...['--binarise', '--conditional', '--beta', '--beta-warmup', '--free-bits', '--samples'],
  ],
  'train autoencoder': [
    ...['--code', '--error', '--noise', '--noise-level', '--sparsity', '--skip-bad'],
  ],
  evaluate: ['--model', '--json', 'captioner, classifier, video-classifier, video-captioner'],
  [`evaluate --model ${model}`]: [
    ...['--model', '--split', '--features', ...decoding, '--batch-size', '--captions', '--out'],
    ...['--document-frequencies', '--meteor', '--json'],
  ],
  score: [
    ...['--candidates', '--references', '--training', '--document-frequencies'],
    ...['--save-document-frequencies', '--subset', '--meteor', '--per-image', '--json'],
  ],
  report: ['--model', '--out', '--json', 'captioner, video-classifier, video-captioner'],
  [`report --model ${model}`]: [
    ...['--model', '--split', '--features', '--out', '--images', ...decoding, '--batch-size'],
    '--json',
  ],
  'train classifier': [
    ...['--out', '--from', '--model', '--size', '--transform', '--localisation', '--window'],
    ...['--transformers', '--arrangement', '--points', '--padding', '--weights', '--report'],
    ...['--watch', '--skip-bad', '--distort', '--transformer-rate', '--rate', '--log', '--json'],
  ],
};

test('docs/flags.md is what the schemas say', () => {
  const tool = fileURLToPath(new URL('../../tools/flag-docs.mjs', import.meta.url));
  const { status, stderr } = spawnSync(process.execPath, [tool, '--check'], { encoding: 'utf8' });
  expect([status, stderr]).toEqual([0, '']);
});

describe.concurrent('help', () => {
  test.each(Object.entries(flags))('%s --help names its flags', async (command, names) => {
    const { code, stdout, stderr } = await glimpse([...command.split(' '), '--help']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    for (const name of [...names, '--debug']) expect(stdout).toContain(name);
  });

  test('--help names every command, and nothing else is one', async () => {
    const { code, stdout } = await glimpse(['--help']);
    expect(code).toBe(0);
    const commands = [...stdout.matchAll(/^ {2}(\w+) \[options\]/gm)].map(([, name]) => name);
    expect(commands).toEqual([...new Set(Object.keys(flags).map((name) => name.split(' ')[0]))]);
  });

  test('--version is that of package.json', async () => {
    const file = new URL('../../package.json', import.meta.url);
    const { version } = JSON.parse(readFileSync(file, 'utf8'));
    expect((await glimpse(['--version'])).stdout).toBe(`${version}\n`);
  });
});

const folder = temporaryFolder();
const train = ['train', 'captioner', 'scenes:8', '--out', join(folder, 'run')];
const evaluate = ['evaluate', 'scenes:8', '--model', model];
const caption = ['caption', 'x.png', '--model', model];

/** Arguments, and what the one line about them has to name. */
const wrong: readonly { args: readonly string[]; named: readonly RegExp[] }[] = [
  { args: ['flub'], named: [/unknown command 'flub'/] },
  { args: ['info', '--jsn'], named: [/unknown option '--jsn'.*--json/] },
  { args: ['info', 'more'], named: [/too many arguments/] },
  { args: ['caption', '--model', model], named: [/missing required argument 'file'/] },
  { args: ['caption', 'x.png'], named: [/--model <file>/] },
  { args: [...caption, '--format', 'xml'], named: [/--format/, /'xml'/, /text, json, jsonl, csv/] },
  { args: [...caption, '--json', '--format', 'csv'], named: [/--json/, /--format/] },
  { args: [...caption, '--format', 'sidecar', '--out', 'y'], named: [/--out y/, /sidecar/] },
  { args: [...caption, '--attention'], named: [/--attention/, /json or jsonl, not text/] },
  { args: [...caption, '--attention', '--out', 'x.csv'], named: [/--attention/, /not csv/] },
  { args: [...caption, 'nothing/*.png'], named: [/no photos called nothing\/\*\.png/] },
  { args: ['train', 'captioner'], named: [/missing required argument 'dataset'/] },
  { args: ['train'], named: [/glimpse train captioner/, /classifier/] },
  { args: ['train', 'scenes:8'], named: [/glimpse train captioner scenes:8/] },
  {
    args: ['train', 'classifer', 'idx:x'],
    named: [/classifer: .*captioner, classifier, video-classifier, .*vae.* and \S+$/m],
  },
  { args: [...train, '--resume', '--overwrite'], named: [/--overwrite .* --resume .*: leave one/] },
  { args: ['train', 'captioner', 'scenes:8', '--overwrite'], named: [/--overwrite needs --out/] },
  { args: [...caption, '--overwrite'], named: [/--overwrite needs --out or --format sidecar/] },
  {
    args: ['caption', 'x.png', '--model', classifier],
    named: [/is a classifier, not a captioner or video-captioner: glimpse classify takes it/],
  },
  {
    args: [...caption, '--every', '2s'],
    named: [/--every is for a video-captioner, but the model of --model is a captioner: leave/],
  },
  { args: [...caption, '--format', 'vtt'], named: [/'vtt'/, /text, json, jsonl, csv, sidecar/] },
  {
    args: ['generate', '--model', model],
    named: [/is a captioner, not a .*vae.*: glimpse caption/],
  },
  {
    args: ['reconstruct', 'x.png', '--out', 'y.png', '--model', classifier],
    named: [/is a classifier, not a .*vae or autoencoder: glimpse classify takes it/],
  },
  {
    args: ['classify', 'x.png', '--model', model],
    named: [/is a captioner, not a classifier or video-classifier: glimpse caption takes it/],
  },
  {
    args: ['report', 'scenes:8', '--model', classifier],
    named: [/is a classifier, not a captioner or video-.*: glimpse evaluate takes it/],
  },
  {
    args: [...train, '--from', classifier],
    named: [/is a classifier, not a captioner: glimpse train classifier takes it/],
  },
  { args: [...evaluate, '--model', classifier], named: [/classifier, not a captioner: an eval/] },
  {
    args: [...evaluate, '--distort', 'R'],
    named: [/--distort is for a classifier.*is a captioner/],
  },
  {
    args: ['classify', 'x.png', '--model', classifier, '--every', '2s'],
    named: [/--every is for a video-classifier, but the model of --model is a classifier/],
  },
  {
    args: ['report', 'scenes:8', '--model', model, '--clips', '3'],
    named: [/--clips is for a video-classifier, but the model of --model is a captioner/],
  },
  { args: ['vision', 'classify', 'x.png'], named: [/glimpse classify x\.png/] },
  { args: ['train', 'classifier'], named: [/missing required argument 'dataset'/] },
  { args: [...train, '--rate', 'abc'], named: [/--rate/, /'abc'/, /must be a number/] },
  { args: [...train, '--rate', ''], named: [/--rate/, /''/] },
  { args: [...train, '--rate', '-1'], named: [/--rate/, /'-1'/] },
  { args: [...train, '--epochs', '0'], named: [/--epochs/, /'0'/] },
  { args: [...train, '--epochs', '2.5'], named: [/--epochs/, /'2.5'/] },
  { args: [...train, '--dropout', '1'], named: [/--dropout/, /'1'/, /below 1/] },
  { args: [...train, '--decay', '1.5'], named: [/--decay/, /'1.5'/] },
  { args: [...train, '--seed', '-3'], named: [/--seed/, /'-3'/] },
  { args: [...train, '--scheduled-sampling', '1.1'], named: [/'1.1'/, /at most 1/] },
  {
    args: [...train, '--sampling-growth', 'linear'],
    named: [/--sampling-growth needs --scheduled-sampling/],
  },
  {
    args: [...train, '--sampling-epochs', '3', '--scheduled-sampling', '0'],
    named: [/--sampling-epochs needs --scheduled-sampling/],
  },
  { args: [...train, '--skip-bad'], named: [/--skip-bad/, /no photo files/] },
  {
    args: [...train, '--dropout', '0', '--dropout-kind', 'variational'],
    named: [/--dropout-kind needs --dropout/],
  },
  {
    args: ['train', 'classifier', 'idx:x', '--arrangement', 'sequence'],
    named: [/--arrangement sequence needs --transformers 2 or more/],
  },
  { args: [...train, '--cell', 'brain'], named: [/--cell/, /'brain'/, /rnn, lstm, gru/] },
  { args: [...train, '--filters', '4,x'], named: [/--filters/, /'4,x'/] },
  { args: [...train, '--picture-size', '99999'], named: [/--picture-size/, /'99999'/] },
  { args: [...train.slice(0, 2), 'scenes:0', ...train.slice(3)], named: [/no train images/] },
  { args: [...evaluate, '--split', 'foo'], named: [/--split/, /'foo'/, /train, dev, test/] },
  { args: [...evaluate, '--n-best', '2'], named: [/unknown option '--n-best'/] },
  { args: [...evaluate, '--max-length', '0'], named: [/--max-length/, /'0'/] },
  {
    args: ['features', 'scenes:4', '--out', 'x', '--encoder', 'y', '--batch-size', '1e9x'],
    named: [/'1e9x'/],
  },
];

describe.concurrent('what is called wrongly', () => {
  test.each(wrong)('$args', async ({ args, named }) => {
    const { code, stdout, stderr } = await glimpse(args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(/^(glimpse: |\{"error":)[^\n]+\n$/);
    for (const pattern of named) expect(stderr).toMatch(pattern);
  });

  test('a dataset that is none gives the list of those that are', async () => {
    const { code, stderr } = await glimpse(['train', 'captioner', 'nothing:here', '--out', 'x']);
    expect(code).toBe(2);
    expect(stderr).toMatch(/^glimpse: nothing:here/);
    for (const format of ['flickr8k:', 'kaggle:', 'scenes:']) expect(stderr).toContain(format);
    const labelled = await glimpse(['train', 'classifier', 'scenes:8', '--out', 'x']);
    expect(labelled.code).toBe(2);
    expect(labelled.stderr).toMatch(/^glimpse: scenes:8/);
    for (const format of ['idx:', 'npz:', 'folder:']) expect(labelled.stderr).toContain(format);
  });

  test('no command at all gives the help', async () => {
    const { code, stdout, stderr } = await glimpse([]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain('Usage: glimpse');
  });
});

describe.concurrent('what goes wrong', () => {
  const failing = ['caption', 'x.png', '--model', '/nonexistent.safetensors'];

  test('is one line', async () => {
    const { code, stderr } = await glimpse(failing);
    expect(code).toBe(1);
    expect(stderr).toBe(
      'glimpse: /nonexistent.safetensors: cannot be read: no such file or folder\n',
    );
  });

  test.each([[['--debug', ...failing]], [[...failing, '--debug']]])(
    'and a stack trace with --debug: %j',
    async (args) => {
      const { code, stderr } = await glimpse(args);
      expect(code).toBe(1);
      expect(stderr).toMatch(/^glimpse: .*\nFileError: .*\n +at /);
    },
  );

  // The other files are not there either: they are never looked at.
  const out = join(folder, 'missing', 'out');
  test.each([
    ['evaluate', 'scenes:8', '--model', model, '--out', out],
    ['report', 'none:8', '--model', model, '--out', out],
    ['caption', 'none.png', '--model', model, '--out', out],
    ['score', '--candidates', 'none', '--references', 'none', '--save-document-frequencies', out],
    ['features', 'scenes:8', '--encoder', 'none', '--out', out],
  ])('an output that cannot be written is told before the work: %s', async (...args) => {
    const { code, stdout, stderr } = await glimpse(args);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toBe(`glimpse: ${out}: cannot be written: no such file or folder\n`);
  });

  test('is JSON under --json, with what is known of it', async () => {
    const { code, stdout, stderr } = await glimpse([...failing, '--json']);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    const message = '/nonexistent.safetensors: cannot be read: no such file or folder';
    expect(JSON.parse(stderr)).toEqual({
      error: { kind: 'file', message, path: '/nonexistent.safetensors' },
    });
  });

  test.each([
    [['info', '--jsn', '--json'], /^unknown option '--jsn'/],
    [['evaluate', 'scenes:8', '--model', model, '--beam', '0', '--json'], /--beam/],
    [['train', 'captioner', 'none\x1b[2J', '--json'], /^none.\[2J: /],
  ])('and so is what is called wrongly: %j', async (args, message) => {
    const { code, stdout, stderr } = await glimpse(args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(JSON.parse(stderr).error).toMatchObject({
      kind: 'usage',
      message: expect.stringMatching(message),
    });
    expect(stderr).not.toContain('\x1b');
  });

  test('shows escape sequences', async () => {
    const { stderr } = await glimpse(['caption', 'x\x1b]0;title\x07.png', '--model', 'm\x1b[2J']);
    expect(stderr).toBe('glimpse: m\\x1b[2J: cannot be read: no such file or folder\n');
  });

  test('a BLAS that is none is named', async () => {
    const { code, stderr } = await glimpse(['info'], { GLIMPSE_BLAS: '/nonexistent' });
    expect(code).toBe(2);
    expect(stderr).toMatch(/^glimpse: GLIMPSE_BLAS=\/nonexistent: [^\n]+\n$/);
  });

  test.skipIf(process.platform !== 'linux')('a full disk under the answer is told', async () => {
    const { code, stderr } = await inBash('"$@" > /dev/full', ['--version']);
    expect(code).toBe(1);
    expect(stderr).toBe('glimpse: standard output: cannot be written: the disk is full\n');
  });
});

describe('info', () => {
  test('--json is one document with the engine in use', async () => {
    const run = await glimpse(['info', '--json']);
    expect({ code: run.code, stderr: run.stderr }).toEqual({ code: 0, stderr: '' });
    expect(json(run)).toMatchObject({ engine: 'simd', blas: null, threads: 1, kernelThreads: 1 });
    expect(json(run).gflops).toBeGreaterThan(0.1);
  });

  test('without it says why no BLAS is in use', async () => {
    const { code, stdout } = await glimpse(['info']);
    expect(code).toBe(0);
    expect(stdout).toContain('own SIMD kernel (GLIMPSE_BLAS=off)');
    expect(stdout).toContain('threads of other kernels: 1 (GLIMPSE_THREADS is not set)');
  });

  test('threads share the products, too, and do not keep the program from ending', async () => {
    const run = await glimpse(['info', '--json'], { GLIMPSE_THREADS: '2' });
    expect({ code: run.code, stderr: run.stderr }).toEqual({ code: 0, stderr: '' });
    expect(json(run)).toMatchObject({ engine: 'simd', threads: 2, kernelThreads: 2 });
  });

  test('a number of threads that is none is named', async () => {
    const { code, stderr } = await glimpse(['info'], { GLIMPSE_THREADS: 'many' });
    expect(code).toBe(2);
    expect(stderr).toMatch(/^glimpse: GLIMPSE_THREADS=many: [^\n]*auto[^\n]*1 to 64\n$/);
  });
});
