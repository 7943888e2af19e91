import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { expectClose } from '@test/bounds.js';
import { parse } from 'csv-parse/sync';
import { beforeAll, describe, expect, test } from 'vitest';
import {
  complaints,
  drawPhotos,
  failureOf,
  glimpse,
  program,
  small,
  spawnInterruptible,
  temporaryFolder,
} from './glimpse.js';

const folder = temporaryFolder();
const inside = (...parts: string[]) => join(folder, ...parts);
const modelIn = (run: string) => inside(run, 'best.safetensors');
const photos = inside('photos');

// No name on Windows has a quotation mark.
const odd = process.platform === 'win32' ? 'a, b.png' : 'a, "b".png';

beforeAll(async () => {
  const [first = '', second = ''] = await drawPhotos(folder, 2);
  mkdirSync(join(photos, 'more', 'deep'), { recursive: true });
  for (const name of ['p10.png', 'p2.PNG', `more/${odd}`, 'more/deep/[x].png']) {
    copyFileSync(name === 'p2.PNG' ? second : first, join(photos, name));
  }
  writeFileSync(join(photos, 'notes.txt'), 'not a photo');
  symlinkSync(photos, join(photos, 'more', 'again'), 'junction');
  const args = ['train', 'captioner', 'scenes:24,size=24', '--epochs', '2', ...small];
  const runs = [
    ['--out', inside('one'), '--picture-size', '24'],
    ['--out', inside('two'), '--picture-size', '16', '--seed', '2'],
  ];
  for (const flags of runs) {
    expect(await glimpse([...args, ...flags])).toMatchObject({ code: 0 });
  }
});

const caption = (...args: string[]) =>
  glimpse(['caption', ...args, '--model', modelIn('one'), '--max-length', '4']);

/** The photos that a caption was printed for. */
const namesIn = (stdout: string) =>
  stdout
    .trimEnd()
    .split('\n')
    .map((line) => line.slice(photos.length + 1, line.indexOf(': ')).replaceAll('\\', '/'));

describe('photos are named', () => {
  test('by folders, sorted as people do, and with the folders inside on demand', async () => {
    const flat = await caption(photos);
    expect([flat.code, complaints(flat)]).toEqual([0, '']);
    expect(namesIn(flat.stdout)).toEqual(['p2.PNG', 'p10.png']);
    const deep = await caption(photos, '--recursive');
    expect(deep.code).toBe(0);
    expect(namesIn(deep.stdout)).toEqual([`more/${odd}`, 'more/deep/[x].png', 'p2.PNG', 'p10.png']);
  });

  test('by patterns, and by names that only look like one', async () => {
    const { stdout } = await caption(`${photos}/p*`, `${photos}/more/deep/[x].png`);
    expect(namesIn(stdout)).toEqual(['p2.PNG', 'p10.png', 'more/deep/[x].png']);
    // A pattern that finds one photo still says which.
    expect(namesIn((await caption(`${photos}/p1*`)).stdout)).toEqual(['p10.png']);
  });

  test('by nothing that there is', async () => {
    mkdirSync(inside('empty'));
    const { code, stderr } = await caption(inside('empty'));
    expect(code).toBe(2);
    expect(stderr).toMatch(
      /^glimpse: there are no photos in the folder .*empty \(--recursive looks/,
    );
  });
});

describe('captions are written', () => {
  const all = () => caption(photos, '--recursive', '--json');

  test('as a list in JSON, as JSON lines, and in any batches the same', async () => {
    const { stdout } = await all();
    const list: unknown[] = JSON.parse(stdout);
    expect(list).toHaveLength(4);
    const [first] = list;
    expect(first).toEqual({
      image: join(photos, 'more', odd),
      caption: expect.any(String),
      logProbability: expect.any(Number),
    });
    const flags = ['--recursive', '--format', 'jsonl', '--batch-size', '3'];
    const lines = (await caption(photos, ...flags)).stdout.trimEnd().split('\n');
    for (const [index, line] of lines.entries()) {
      expect(JSON.parse(line)).toMatchObject({ image: Object(list[index]).image });
      expect(JSON.parse(line).caption).toBe(Object(list[index]).caption);
    }
  });

  test('as CSV, with what has to be quoted', async () => {
    const flags = ['--recursive', '--format', 'csv', '--decoder', 'beam', '--n-best', '2'];
    const { stdout } = await caption(photos, ...flags);
    const quoted = join(photos, 'more', odd).replaceAll('"', '""');
    const [head, row] = stdout.split('\n');
    expect(head).toBe('image,caption,logProbability');
    expect(row?.startsWith(`"${quoted}",`), row).toBe(true);
    const rows = parse(stdout, { columns: true });
    expect(rows).toHaveLength(2 * 4);
    for (const row of rows) {
      expect(row).toEqual({
        image: expect.stringMatching(/^.*\.png$/i),
        caption: expect.stringMatching(/^[a-z ]*$/),
        logProbability: expect.stringMatching(/^-\d+\.\d+$/),
      });
    }
  });

  test('to a file, by how it ends, which is not replaced unasked', async () => {
    const out = inside('captions.jsonl');
    const wrote = await caption(photos, '--out', out);
    expect([wrote.code, wrote.stdout, complaints(wrote)]).toEqual([0, '', '']);
    const text = readFileSync(out, 'utf8');
    expect(
      text
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line).image),
    ).toEqual([join(photos, 'p2.PNG'), join(photos, 'p10.png')]);
    const again = await caption(photos, '--out', out);
    expect(again.code).toBe(2);
    expect(again.stderr).toBe(`glimpse: ${out} would be replaced: --overwrite allows that\n`);
    const one = join(photos, 'p10.png');
    expect(await caption(one, '--out', out, '--overwrite')).toMatchObject({ code: 0 });
    expect(JSON.parse(readFileSync(out, 'utf8'))).toMatchObject({ image: one });
  });

  test('as sentences', async () => {
    const [plain, sentence] = await Promise.all([
      caption(join(photos, 'p10.png')),
      caption(join(photos, 'p10.png'), '--alt-text'),
    ]);
    const text = plain.stdout.trimEnd();
    expect(sentence.stdout).toBe(`${text.charAt(0).toUpperCase()}${text.slice(1)}.\n`);
  });

  test('beside the photos, unless that would cost a file', async () => {
    const own = inside('own');
    mkdirSync(own);
    for (const name of ['a.png', 'b.png']) copyFileSync(join(photos, 'p10.png'), join(own, name));
    writeFileSync(join(own, 'bad.png'), 'no photo');
    const beside = (...flags: string[]) => caption(own, '--format', 'sidecar', ...flags);
    const first = await beside('--alt-text');
    expect(first).toMatchObject({ code: 1, stdout: '' });
    expect(first.stderr).toMatch(/^glimpse: 1 of 3 photos could not be captioned:\n .*bad\.png/m);
    expect(readFileSync(join(own, 'a.txt'), 'utf8')).toMatch(/^[A-Z][a-z ]+\.\n$/);
    expect(existsSync(join(own, 'bad.txt'))).toBe(false);

    writeFileSync(join(own, 'b.txt'), 'mine');
    const refused = await beside();
    expect(refused.code).toBe(2);
    expect(refused.stderr).toMatch(/^glimpse: .*a\.txt and 1 more would be replaced: --overwrite/);
    expect(readFileSync(join(own, 'b.txt'), 'utf8')).toBe('mine');
    expect(await beside('--overwrite')).toMatchObject({ code: 1 });
    expect(readFileSync(join(own, 'b.txt'), 'utf8')).not.toBe('mine');

    copyFileSync(join(own, 'a.png'), join(own, 'a.gif'));
    const shared = await beside('--overwrite');
    expect(shared.code).toBe(2);
    expect(shared.stderr).toMatch(/a\.gif and .*a\.png would have the same sidecar, .*a\.txt/);
    const asText = join(own, 'photo.txt');
    copyFileSync(join(own, 'a.png'), asText);
    const itself = await caption(asText, '--format', 'sidecar', '--overwrite');
    expect(itself.code).toBe(2);
    expect(itself.stderr).toMatch(/would replace .*photo\.txt itself/);
  });
});

test('interrupted, what is known is a whole document', async () => {
  // A command line of Windows has at most 32,767 characters.
  const length = process.platform === 'win32' ? 250 : 1500;
  const many = Array.from({ length }, () => join(photos, 'p10.png'));
  const args = ['caption', ...many, '--model', modelIn('one'), '--json', '--batch-size', '1'];
  const ended = await new Promise<{ code: number | null; stdout: string; stderr: string }>(
    (resolve) => {
      const { child, interrupt } = spawnInterruptible([program, ...args], process.env);
      let [stdout, stderr] = ['', ''];
      child.stdout?.once('data', () => interrupt('SIGINT'));
      child.stdout?.on('data', (part) => {
        stdout += part;
      });
      child.stderr?.on('data', (part) => {
        stderr += part;
      });
      child.on('close', (code) => resolve({ code, stdout, stderr }));
    },
  );
  expect(ended).toMatchObject({ code: 130, stderr: 'stopping (again to stop at once)\n' });
  const told: unknown[] = JSON.parse(ended.stdout);
  expect(told.length).toBeLessThan(many.length);
});

test('interrupted, a file that is there stays as it was, and what is known lies beside it', async () => {
  const out = join(folder, 'kept.json');
  writeFileSync(out, 'old');
  const args = ['caption', photos, '--model', modelIn('one'), '--out', out, '--overwrite'];
  // Ctrl-C as soon as it is listened for.
  const atOnce =
    "process.on('newListener',e=>{if(e==='SIGINT')setImmediate(()=>process.emit('SIGINT','SIGINT'))})";
  const ended = await glimpse(args, {
    NODE_OPTIONS: `--import "data:text/javascript,${encodeURIComponent(atOnce)}"`,
  });
  expect(ended.code, ended.stderr).toBe(130);
  expect(ended.stderr).toMatch(/are in .*kept\.part\.json; .*kept\.json is left as it was\n$/);
  expect(readFileSync(out, 'utf8')).toBe('old');
  expect(JSON.parse(readFileSync(join(folder, 'kept.part.json'), 'utf8'))).toBeInstanceOf(Array);
});

test('what was looked at cannot be told of a model that looks once', async () => {
  const { code, stdout, stderr } = await caption(join(photos, 'p10.png'), '--json', '--attention');
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  expect(failureOf({ stderr })).toMatch(
    /^--attention: .*one.best\.safetensors: the model looks at the pic/,
  );
});

test('several models say one caption together', async () => {
  const say = async (...runs: string[]) => {
    const models = runs.flatMap((run) => ['--model', modelIn(run)]);
    const args = ['caption', join(photos, 'p2.PNG'), ...models, '--max-length', '4', '--json'];
    const [told] = JSON.parse((await glimpse(args)).stdout);
    return told;
  };
  const [one, twice, both] = [await say('one'), await say('one', 'one'), await say('one', 'two')];
  expect(twice.caption).toBe(one.caption);
  expectClose(twice.logProbability, one.logProbability, { dtype: 'f32', terms: 1000 });
  expect(both.logProbability).not.toBeCloseTo(one.logProbability, 3);
});
