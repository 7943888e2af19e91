import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { glimpse, json, temporaryFolder } from './glimpse.js';

const folder = temporaryFolder();

function file(name: string, content: unknown): string {
  const path = join(folder, name);
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  return path;
}

const references = file('references.json', {
  images: [{ id: 1 }, { id: 2 }],
  annotations: [
    { image_id: 1, caption: 'A dog runs over the grass.' },
    { image_id: 1, caption: 'The dog runs.' },
    { image_id: 2, caption: 'Two red balls in water.' },
  ],
});
const captions = [
  { image_id: 2, caption: 'two red balls in water' },
  { image_id: 1, caption: 'a dog' },
];
const candidates = file('candidates.json', captions);
const both = ['--candidates', candidates, '--references', references];

describe.concurrent('glimpse score', () => {
  test('prints the scores with their scales', async () => {
    const { code, stdout, stderr } = await glimpse(['score', ...both, '--per-image']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^2 images\nBLEU-1\.\.4 {2}(0\.\d{4} +){4}\(0 to 1\)\nROUGE-L/);
    expect(stdout).toMatch(/CIDEr {6}\d\.\d{4} {2}\(0 to 10/);
    expect(stdout).toMatch(/^2: BLEU-4 1\.0000 ROUGE-L 1\.0000 CIDEr 10\.0000 two red balls/m);
  });

  test('prints one JSON document, and saves a table that it can use again', async () => {
    const table = join(folder, 'table.json');
    const first = await glimpse(['score', ...both, '--json', '--save-document-frequencies', table]);
    const scores = json(first);
    expect(scores).toMatchObject({ images: 2, scale: { cider: [0, 10], bleu: [0, 1] } });
    expect(scores).not.toHaveProperty('perImage');
    expect(JSON.parse(readFileSync(table, 'utf8'))).toMatchObject({
      images: 2,
      counts: { dog: 1, 'dog runs': 1 },
    });
    const flags = ['--document-frequencies', table, '--training', references, '--json'];
    const again = json(await glimpse(['score', ...both, ...flags, '--per-image']));
    expect(again.ciderD).toBeCloseTo(Number(scores.cider), 12);
    expect(again).toMatchObject({ diversity: { novelRate: 0.5 }, perImage: [{ image: '2' }, {}] });
  });

  test('names what does not fit, and scores a subset on demand', async () => {
    const one = ['--candidates', file('one.json', captions.slice(1)), '--references', references];
    const refused = await glimpse(['score', ...one]);
    expect(refused).toMatchObject({ code: 1, stdout: '' });
    expect(refused.stderr).toMatch(/^glimpse: 1 image \(2\) has references but no candidate/);
    expect(json(await glimpse(['score', ...one, '--subset', '--json']))).toMatchObject({
      images: 1,
    });

    const broken = file('broken.json', '[{"image_id": 1, "caption": 3}]');
    const bad = await glimpse(['score', '--candidates', broken, '--references', references]);
    expect(bad).toMatchObject({ code: 1, stdout: '' });
    expect(bad.stderr).toContain(`${broken}: [0].caption must be a text, not 3`);
    const missing = await glimpse(['score', '--candidates', 'no.json', '--references', references]);
    expect(missing.stderr).toMatch(/no.json: cannot be read: no such file/);
    expect((await glimpse(['score', '--candidates', candidates])).code).toBe(2);
  });

  test('warns that CIDEr of one image is always 0', async () => {
    const path = file('one-image.json', captions.slice(0, 1));
    const args = ['score', '--candidates', path, '--references', path, '--json'];
    const { code, stdout, stderr } = await glimpse(args);
    expect(code).toBe(0);
    expect(stderr).toMatch(/^warning: CIDEr of one image is 0 by definition.*table of document/);
    expect(JSON.parse(stdout)).toMatchObject({
      cider: 0,
      remarks: [expect.stringContaining('CIDEr of one image')],
    });
  });

  test('warns when all images have one caption', async () => {
    const ids = Array.from({ length: 12 }, (_, id) => id);
    const same = ids.map((image_id) => ({ image_id, caption: 'a man' }));
    const path = file('same.json', same);
    const { code, stderr } = await glimpse(['score', '--candidates', path, '--references', path]);
    expect(code).toBe(0);
    expect(stderr).toMatch(/^warning: 12 of 12 images have the same caption, "a man"/);
  });
});

describe.concurrent('files that are no captions', () => {
  const text = JSON.stringify(captions);
  const broken: Readonly<Record<string, string | Uint8Array>> = {
    'an empty file': '',
    'half a file': text.slice(0, text.length / 2),
    'more than one document': `${text}${text}`,
    'no JSON': "[{'image_id': 1}]",
    'numbers that JSON has not': '[{"image_id": NaN, "caption": "a"}]',
    'bytes that are no UTF-8': Buffer.from([...Buffer.from('[{"image_id":1,"caption":"'), 0xff]),
    'lists in lists': '['.repeat(100_000) + ']'.repeat(100_000),
    'lists that do not end': '['.repeat(100_000),
    'a member twice': '[{"image_id": 1, "caption": "a", "caption": "b"}]',
    'no list': '"captions"',
    nothing: 'null',
    'an id that is no whole number': '[{"image_id": 1e300, "caption": "a"}]',
    'an image twice': '[{"image_id": 1, "caption": "a"}, {"image_id": "1", "caption": "a"}]',
    'no captions': '[]',
  };

  test.each(Object.entries(broken))('%s', async (name, content) => {
    const path = join(folder, `${name.replaceAll(/\W/g, '-')}.json`);
    writeFileSync(path, content);
    const { code, stdout, stderr } = await glimpse([
      ...['score', '--candidates', path, '--references', references],
    ]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/^glimpse: [^\n]+\n$/);
    expect(stderr).not.toContain('this is a bug');
    // An empty list is a good file; what is missing are the images' captions.
    expect(stderr).toContain(name === 'no captions' ? '2 images (1, 2) have references' : path);
  });

  test.each([
    ['--training', '[1]', /training-3\.json: \[0\] must be an object/],
    ['--document-frequencies', '{"images": 2}', /a table of document frequencies must be/],
    [
      '--document-frequencies',
      '{"images": 2, "counts": {"a dog": 3}}',
      /the count of "a dog" must be a whole number from 1 to 2/,
    ],
  ])('%s %s', async (flag, content, message) => {
    const path = file(`${flag.slice(2)}-${content.length}.json`, content);
    const { code, stdout, stderr } = await glimpse(['score', ...both, flag, path]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(message);
    expect(stderr).toMatch(/^glimpse: [^\n]+\n$/);
  });

  test('odd captions are scored like others', async () => {
    const odd = [
      '',
      ' ',
      '\u2028',
      '\ud83d',
      '<b>',
      '"',
      'a\u0000b',
      'é'.repeat(5000),
      '__proto__',
    ];
    const entries = odd.map((caption, image_id) => ({ image_id, caption }));
    const path = file('odd.json', entries);
    const args = ['score', '--candidates', path, '--references', path, '--per-image', '--json'];
    const { code, stderr, stdout } = await glimpse(args);
    expect(code).toBe(0);
    // '', ' ', the line separator, half an emoji and the quote are no words.
    expect(stderr).toMatch(
      /^warning: 5 images \(0, 1, 2, 3, 5\) have a candidate without a word\n/,
    );
    const { perImage } = JSON.parse(stdout);
    expect(perImage).toHaveLength(odd.length);
    for (const { bleu1, rougeL, cider } of perImage) {
      for (const score of [bleu1, rougeL, cider]) expect(score).toBeGreaterThanOrEqual(0);
    }
  });
});
