import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { commandLineOf } from '@test/tasks/command-line.js';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { between, traversal, walk } from '@/cli/latent-walks.js';
import { writeFileAtomically } from '@/data/formats/write-files.js';
import { encodePng } from '@/data/pictures/photos.js';
import { gridExtent, pictureGrid, pictureValues } from '@/data/pictures/picture-values.js';
import { scope } from '@/engine/engine.js';
import { fullVae, planVae, type VaeParameters, vaeShapes } from '@/models/generative/vae.js';
import { initialise } from '@/models/parameters.js';
import { Random } from '@/random.js';
import { kinds } from '@/tasks/index.js';
import { generation } from '@/tasks/vae/drawing.js';
import { vaeKind } from '@/tasks/vae/kind.js';
import { encodeModel } from '@/training/model-file.js';

const folder = mkdtempSync(join(tmpdir(), 'glimpse-generate-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
afterEach(() => {
  vi.restoreAllMocks();
  process.exitCode = undefined;
});
const glimpse = commandLineOf(...kinds);
const [plain, told] = [join(folder, 'plain.safetensors'), join(folder, 'told.safetensors')];

/** A VAE of pictures of 4 x 6 that is not trained. */
function modelOf(classes: string[], channels = 1) {
  const picture = [channels, 6, 4] as [number, number, number];
  const plan = planVae(fullVae({ picture, hidden: [8], latent: 3, classes: classes.length }));
  const parameters = initialise<VaeParameters>(vaeShapes(plan), new Random(3));
  // Pictures of different codes are to differ.
  parameters.decoder.out?.W.assign(
    Array.from({ length: 8 * channels * 24 }, (_, i) => Math.sin(i) * 3),
  );
  return { plan, parameters, classes };
}

beforeAll(async () => {
  using _work = scope();
  for (const [path, classes] of [
    [plain, []],
    [told, ['a', 'b']],
  ] as const) {
    const { plan, parameters } = modelOf([...classes], classes.length > 0 ? 3 : 1);
    const parts = { config: plan.config, parameters, extras: { classes: [...classes] }, state: {} };
    await writeFileAtomically(path, encodeModel(vaeKind, { ...parts, attached: new Map() }));
  }
});

describe('glimpse generate', () => {
  test('draws a grid, and the same pictures singly, whatever their number', async () => {
    const out = join(folder, 'grid.png');
    const drawn = await glimpse(
      'generate',
      '--model',
      plain,
      '--count',
      '6',
      '--columns',
      '3',
      '--out',
      out,
    );
    expect([drawn.code, drawn.answer]).toEqual([0, `${out}: a grid of 6 pictures\n`]);
    const [eight, two] = [join(folder, 'eight'), join(folder, 'two')];
    for (const [into, count] of [
      [eight, '8'],
      [two, '2'],
    ] as const) {
      expect(
        (await glimpse('generate', '--model', plain, '--count', count, '--out', into)).code,
      ).toBe(0);
    }
    expect(readdirSync(eight)).toHaveLength(8);
    expect(readdirSync(two)).toEqual(['0001.png', '0002.png']);
    const [first, second, again] = [
      [eight, 1],
      [eight, 2],
      [two, 1],
    ].map(([at, n]) => readFileSync(join(String(at), `000${n}.png`)));
    expect(again).toEqual(first);
    expect(second).not.toEqual(first);
    // The first picture is the grid's upper left corner.
    const { width, height } = gridExtent(6, [1, 6, 4], { columns: 3 });
    const grid = await pictureValues(out, [1, height, width]);
    const one = await pictureValues(join(eight, '0001.png'), [1, 6, 4]);
    expect(Array.from({ length: 24 }, (_, i) => grid[Math.floor(i / 4) * width + (i % 4)])).toEqual(
      [...one],
    );
  });

  test('walks from picture to picture, and moves latent values', async () => {
    const [gif, rows] = [join(folder, 'walk.gif'), join(folder, 'rows.png')];
    const walked = await glimpse(
      'generate',
      '--model',
      plain,
      '--interpolate',
      '4',
      '--count',
      '3',
      '--out',
      gif,
      '--json',
    );
    expect(JSON.parse(walked.answer)).toMatchObject({ pictures: 12, seed: 1 });
    expect(readFileSync(gif).subarray(0, 6).toString()).toBe('GIF89a');
    const moved = await glimpse(
      'generate',
      '--model',
      plain,
      '--traverse',
      '0,2',
      '--steps',
      '5',
      '--out',
      rows,
    );
    expect([moved.code, moved.answer]).toEqual([0, `${rows}: a grid of 10 pictures\n`]);
  });

  test('draws a class that is asked for', async () => {
    const files = ['a', 'b'].map((name) => join(folder, `${name}.png`));
    for (const [i, name] of ['a', 'b'].entries()) {
      const drawn = await glimpse(
        'generate',
        '--model',
        told,
        '--class',
        name,
        '--count',
        '2',
        '--out',
        files[i] ?? '',
      );
      expect(drawn.code).toBe(0);
    }
    expect(readFileSync(files[0] ?? '')).not.toEqual(readFileSync(files[1] ?? ''));
  });

  test.each([
    [['--count', '1000000000'], /--count.*1000000000.*at most 1000000/],
    [['--count', '0'], /--count.*above 0/],
    [['--count', '90000', '--columns', '1'], /90000 pictures of 4x6 pixels are too many for one/],
    [['--class', 'a'], /--class a: the model was told of no classes/],
    [['--traverse', '3'], /--traverse 3: .*from 0 to 2/],
    [['--traverse', 'all', '--interpolate', '3'], /leave one out/],
    [['--range', '2'], /--range needs --traverse/],
    [['--seconds', '1'], /--seconds is about an animation/],
    [['--out', 'x.jpg'], /x\.jpg: pictures are written as \.png/],
    [['--out', 'x.gif'], /an animation needs --interpolate or --traverse/],
    [['--skip-bad'], /unknown option '--skip-bad'/],
  ])('refuses %j, and writes nothing', async (flags, message) => {
    const out = join(folder, 'none.png');
    const refused = await glimpse('generate', '--model', plain, '--out', out, ...flags);
    expect([refused.code, refused.said]).toEqual([2, expect.stringMatching(message)]);
    expect(existsSync(out)).toBe(false);
  });

  test('replaces nothing unless it may, and leaves nothing behind', async () => {
    const there = join(folder, 'there');
    mkdirSync(there);
    writeFileSync(join(there, 'mine.txt'), 'mine');
    const into = await glimpse('generate', '--model', plain, '--out', there);
    expect([into.code, into.said]).toEqual([2, expect.stringMatching(/already and not empty/)]);
    expect(readdirSync(there)).toEqual(['mine.txt']);
    const file = join(folder, 'file.png');
    writeFileSync(file, 'mine');
    expect((await glimpse('generate', '--model', plain, '--out', file)).said).toMatch(
      /--overwrite/,
    );
    expect((await glimpse('generate', '--model', plain, '--out', file, '--overwrite')).code).toBe(
      0,
    );
    expect(readdirSync(folder).filter((name) => name.startsWith('.glimpse'))).toEqual([]);
  });
});

describe('glimpse reconstruct', () => {
  const shown = join(folder, 'shown');
  beforeAll(async () => {
    mkdirSync(shown);
    for (const n of [1, 2, 3]) {
      const data = Uint8Array.from({ length: 72 }, (_, i) => (i * 37 * n) % 256);
      writeFileSync(
        join(shown, `${n}.png`),
        await encodePng({ width: 4, height: 6, channels: 3, data }),
      );
    }
  });

  test('shows what came back, with the bound of each picture', async () => {
    const out = join(folder, 'back.png');
    const ended = await glimpse('reconstruct', shown, '--model', plain, '--out', out, '--json');
    expect(ended.code).toBe(0);
    const { images, squaredError } = JSON.parse(ended.answer);
    expect(images).toHaveLength(3);
    for (const { elbo, reconstruction, kl } of images)
      expect(elbo).toBeCloseTo(reconstruction - kl, 6);
    expect(squaredError).toBeGreaterThan(0);
    const into = join(folder, 'back');
    expect((await glimpse('reconstruct', shown, '--model', plain, '--out', into)).code).toBe(0);
    expect(readdirSync(into)).toEqual(['1.png', '2.png', '3.png']);
  });

  test('tells of what cannot be read, and refuses what has no meaning', async () => {
    const bad = join(folder, 'bad.png');
    writeFileSync(bad, 'no picture');
    const out = join(folder, 'some.png');
    const some = await glimpse(
      'reconstruct',
      bad,
      join(shown, '1.png'),
      '--model',
      plain,
      '--out',
      out,
    );
    expect([some.code, some.said]).toEqual([1, expect.stringMatching(/bad\.png: is no photo/)]);
    expect(existsSync(out)).toBe(true);
    const untold = await glimpse(
      'reconstruct',
      shown,
      '--model',
      told,
      '--out',
      join(folder, 'y.png'),
    );
    expect([untold.code, untold.said]).toEqual([
      2,
      expect.stringMatching(/--class with one of a, b/),
    ]);
    const twice = await glimpse(
      'reconstruct',
      join(shown, '1.png'),
      join(shown, '1.png'),
      '--model',
      plain,
      '--out',
      join(folder, 'twice'),
    );
    expect([twice.code, twice.said]).toEqual([2, expect.stringMatching(/would both be 1\.png/)]);
  });
});

test('an interpolation goes along the arc, and a traversal moves one value', () => {
  const [from, to] = [Float32Array.of(2, 0), Float32Array.of(0, 2)];
  const middle = between(from, to, 0.5);
  expect(middle[0]).toBeCloseTo(Math.SQRT2, 6);
  expect([...between(from, to, 0)]).toEqual([2, 0]);
  expect([...between(from, Float32Array.of(-2, 0), 0.25)]).toEqual([1, 0]);
  expect([...between(Float32Array.of(0, 0), to, 0.5)]).toEqual([0, 1]);
  using _work = scope();
  const { latent } = generationOf([]);
  if (!latent) throw new Error('a VAE has a latent space');
  const rows = traversal(latent, { places: [1], range: 3, steps: 3, seed: 1 });
  const [code] = [latent.codes({ first: 0, count: 1, seed: 1 })];
  expect(Array.from({ length: 3 }, (_, t) => rows[0]?.[3 * t + 1])).toEqual([-3, 0, 3]);
  expect(rows[0]?.[6]).toBe(code[0]);
  const walked = walk(latent, { stops: 2, steps: 3, seed: 1 });
  expect([...(walked[0]?.subarray(0, 3) ?? [])]).toEqual([...code]);
});

function generationOf(classes: string[]) {
  const started = generation.start(modelOf(classes), {}, () => {});
  if (started instanceof Promise) throw new Error('a VAE is ready at once');
  return started;
}

test('a grid has its pictures where they belong, and grey between them', () => {
  const values = Float32Array.of(0, 1, 2, -1, 0.5, 0.25);
  const { width, height, data } = pictureGrid(values, [1, 1, 2], { columns: 2, gap: 1 });
  expect([width, height]).toEqual([5, 3]);
  const greys = Array.from({ length: 15 }, (_, i) => data[3 * i]);
  expect(greys).toEqual([0, 255, 128, 255, 0, 128, 128, 128, 128, 128, 128, 64, 128, 128, 128]);
});
