import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { drawScene } from '@/data/captions/scenes.js';
import { shrinkPicture } from '@/data/pictures/photos.js';
import { ShapeError } from '@/errors.js';
import { Random } from '@/random.js';
import { chartAssets } from '@/report/assets.js';
import { type CaptionReport, renderCaptionReport } from '@/report/caption-report.js';
import { escapeHtml, program } from '@/report/html.js';
import { attentionTools } from '@/report/in-page/attention.js';
import type { ChartAssets } from '@/report/page.js';
import {
  evenlyByScore,
  fieldOf,
  packAttention,
  photoSize,
  type ReportPicture,
} from '@/report/report-picture.js';
import { grid, pictureOf, reportOf } from './fake-pictures.js';

let photo: ReportPicture['photo'];
let assets: ChartAssets;
beforeAll(async () => {
  photo = await shrinkPicture(drawScene(new Random(1)).pixels, photoSize(1));
  assets = await chartAssets();
});

const render = (pictures: readonly ReportPicture[], changes?: Partial<CaptionReport>) =>
  renderCaptionReport(reportOf(pictures, changes), assets);

/** The page without its programs, style sheets and photos: what a reader can see. */
const visible = (page: string) =>
  page
    .replace(/<(script|style)\b.*?<\/\1>/gs, '')
    .replace(/data:image\/\w+;base64,[\w+/=]+/g, 'data:');

function embedded(page: string) {
  const [, json = ''] = /id="report-data">(.*?)<\/script>/s.exec(page) ?? [];
  return JSON.parse(json);
}

describe('the page', () => {
  test('needs nothing but itself', () => {
    const page = render([pictureOf(photo)]);
    expect(page).not.toMatch(/https?:\/\//i);
    expect(page).not.toMatch(/@import|url\(|<link|<iframe|<object|<embed/i);
    const sources = [...page.matchAll(/<[^>]*\s(?:src|href|srcset|action|data)="([^"]*)"/gi)];
    expect(sources.length).toBeGreaterThan(0);
    for (const [, source] of sources) expect(source).toMatch(/^(data:image\/png;base64,|#)/);
    expect(page).toContain("default-src 'none'");
  });

  test('tells scores and their scale, captions, references, curves and the command', () => {
    const page = visible(render([pictureOf(photo, { cider: 0.375 })]));
    for (const text of [
      '<h1>Photos, dev</h1>',
      'papers write 55.1',
      'Scores are on the 0 to 1 scale.',
      '<span data-word="1">dog</span>',
      'A dog runs .',
      '1 more',
      'CIDEr <b>0.38</b>',
      'BLEU-4 <b>0.25</b>',
      'ROUGE-L <b>0.50</b>',
      'best on dev: 1.125 after epoch 2',
      'best: 0.625 after epoch 3',
      '<th scope="col">Dev CIDEr</th>',
      // The geometric mean of 1/2, 1/4, 1/8 and 1/16.
      'p 0.18 a word',
      'glimpse report photos --model m',
    ]) {
      expect(page).toContain(text);
    }
    expect(page).not.toContain('Train reward');
    expect(page).not.toContain('has no attention');
  });

  test('names the best and the worst, by CIDEr, in that order', () => {
    const ciders = [0.5, 2, 0, 1, 3];
    const pictures = ciders.map((cider, n) => pictureOf(photo, { id: `${n}.jpg`, cider }));
    const page = visible(render(pictures));
    const shelf = (name: string) => {
      const [, list = ''] = new RegExp(`class="${name}">(.*?)</ol>`, 's').exec(page) ?? [];
      return [...list.matchAll(/data-picture="(\d+)".*?<b>(.*?)<\/b>/g)].map(([, i, b]) => [i, b]);
    };
    expect(shelf('best')).toEqual([
      ['4', '3.00'],
      ['1', '2.00'],
    ]);
    expect(shelf('worst')).toEqual([
      ['2', '0.00'],
      ['0', '0.50'],
    ]);
    const bars = [...page.matchAll(/aria-label="CIDEr (.*?): (\d+) pictures"/g)];
    expect(bars.map(([, , count]) => Number(count)).reduce((a, b) => a + b)).toBe(5);
    expect(bars[0]?.slice(1)).toEqual(['0 to 0.5', '1']);
    expect(embedded(render(pictures)).showcase).toBe(4);
  });

  test('says so when a model has no attention, and shows what it has', () => {
    const words = [{ word: 'dogs', probability: 0.5 }, { word: "'s" }];
    const page = render([pictureOf(photo, { words })], { attention: undefined });
    expect(visible(page)).toContain('This model has no attention.');
    expect(visible(page)).not.toMatch(/id="showcase"|id="look"/);
    expect(visible(page)).toContain('>dogs</span><span data-word="1">&#39;s</span>');
    const [picture] = embedded(page).pictures;
    expect(picture).toMatchObject({ words: ['dogs', "'s"], probabilities: [] });
    expect(picture).not.toHaveProperty('attention');
  });

  test('bears a caption without words, a picture without references, and no picture at all', () => {
    const page = visible(render([pictureOf(photo, { words: [], references: [] })]));
    expect(page).toContain('(no words)');
    expect(page).toContain('alt="picture 1"');
    const none = visible(render([], { history: [], figures: [] }));
    expect(none).not.toMatch(/<article|class="extremes"|class="histogram"|id="loss-chart"/);
  });

  test('shows the rewards and BLEU-4 of self-critical training', () => {
    const history = [
      {
        epoch: 1,
        train: { loss: 1, reward: 0.75 },
        dev: { loss: 2, cider: 0.5, bleu4: 0.2 },
      },
    ].map((epoch) => ({ ...epoch, rate: 1e-5, seconds: 1 }));
    const page = visible(render([pictureOf(photo)], { history }));
    expect(page).toContain('<th scope="col">Train reward</th>');
    expect(page).toContain('<td>0.750</td>');
    expect(page).toContain('<th scope="col">Dev BLEU-4</th>');
  });

  test('no text is ever markup', () => {
    const evil = `</script><script>alert("1")</script><!-- ' " & <img src=x onerror=alert(1)>`;
    const all = (text: string) =>
      render([pictureOf(photo, { id: text, words: [{ word: text }], references: [text, text] })], {
        title: text,
        subtitle: text,
        figures: [{ label: text, value: text, hint: text }],
        scales: text,
        about: text,
        remarks: [text],
        command: text,
        attention: undefined,
      });
    const tags = (page: string) => page.match(/<(?:script|\/script|img|!--)/gi);
    expect(tags(all(evil))).toEqual(tags(all('harmless')));
    expect(visible(all(evil))).toContain(escapeHtml(evil));
    expect(embedded(all(evil))).toMatchObject({ title: evil, pictures: [{ id: evil }] });
  });
});

describe('attention', () => {
  const tools = attentionTools();

  test('survives packing to a 255th of its peak, as few bytes as there are weights', () => {
    const weights = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), {
      minLength: 20,
      maxLength: 20,
    });
    fc.assert(
      fc.property(fc.array(weights, { minLength: 1, maxLength: 5 }), (all) => {
        const words = all.map((attention) => ({ word: 'x', attention }));
        const packed = packAttention({ id: 'x', words }, grid);
        if (!packed || !('weights' in packed)) throw new Error('no grid');
        expect(atob(packed.weights)).toHaveLength(20 * all.length);
        for (const [word, values] of tools.unpack(packed).entries()) {
          const peak = Math.max(...(all[word] ?? []));
          for (const [i, value] of values.entries()) {
            expect(Math.abs(value - (all[word]?.[i] ?? 9))).toBeLessThanOrEqual(peak / 509 + 1e-5);
          }
        }
      }),
      { seed: 3, numRuns: 50 },
    );
  });

  test('of windows is handed on as it is', () => {
    const attention = [0.5, 0, -0.25, 0, 0.123456, 1];
    const packed = packAttention(
      { id: 'x', words: [{ word: 'x', attention }] },
      { kind: 'window' },
    );
    expect(packed).toEqual({ windows: [[0.5, 0, -0.25, 0, 0.1235, 1]] });
  });

  test('of the wrong size, or not finite, is refused by name', () => {
    const pack = (attention: number[]) => () =>
      packAttention({ id: 'dog.jpg', words: [{ word: 'dog', attention }] }, grid);
    expect(pack([1, 2])).toThrow(ShapeError);
    expect(pack([1, 2])).toThrow(/dog\.jpg: the word "dog" has 2 values .* 4x5 needs 20/);
    expect(pack(new Array(20).fill(Number.NaN))).toThrow(/not finite/);
    const half = [{ word: 'a', attention: new Array(20).fill(0.05) }, { word: 'b' }];
    expect(() => packAttention({ id: 'x', words: half }, grid)).toThrow(/word "b" has 0 values/);
  });

  test('is enlarged smoothly: even stays even, a slope a slope, and centres stay', () => {
    const even = tools.enlarged(new Float32Array(6).fill(0.25), 2, 3, 4);
    expect([...even]).toEqual(new Array(8 * 12).fill(0.25));
    const [rows, columns, times] = [5, 6, 3];
    const slope = Float32Array.from({ length: rows * columns }, (_, place) => {
      return 10 + 2 * (place % columns) + 5 * Math.floor(place / columns);
    });
    const fine = tools.enlarged(slope, rows, columns, times);
    for (let y = 0; y < rows * times; y++) {
      for (let x = 0; x < columns * times; x++) {
        const [column, row] = [(x + 0.5) / times - 0.5, (y + 0.5) / times - 0.5];
        // At the edges, where there is no neighbour, it levels out.
        if (column < 1 || column > columns - 2 || row < 1 || row > rows - 2) continue;
        expect(fine[y * columns * times + x]).toBeCloseTo(10 + 2 * column + 5 * row, 4);
      }
    }
    const peak = new Float32Array(rows * columns);
    peak[2 * columns + 4] = 1;
    const around = tools.enlarged(peak, rows, columns, times);
    const highest = around.indexOf(Math.max(...around));
    expect([Math.floor(highest / (columns * times)), highest % (columns * times)]).toEqual([
      2 * times + 1,
      4 * times + 1,
    ]);
    expect(around[highest]).toBeCloseTo(1, 6);
    expect(Math.min(...around)).toBe(0);
  });

  test('as a window has the corners that affine_grid would give it', () => {
    const corners = (...window: number[]) => tools.cornersOf(Float32Array.from(window));
    expect(corners(1, 0, 0, 0, 1, 0)).toEqual([
      [0, 0],
      [1, 0],
      [1, 1],
      [0, 1],
    ]);
    // Half as wide in the right half, a quarter as high in the middle.
    expect(corners(0.5, 0, 0.5, 0, 0.25, 0)).toEqual([
      [0.5, 0.375],
      [1, 0.375],
      [1, 0.625],
      [0.5, 0.625],
    ]);
  });

  test('is put into words', () => {
    const weights = new Float32Array(20).fill(0.01);
    weights[19] = 0.81;
    expect(tools.describe(weights, grid)).toBe('lower right, 81 % in one of 20 places');
    const window = Float32Array.of(0.5, 0, 0, 0, 0.5, -0.5);
    expect(tools.describe(window, undefined)).toBe('upper, window of 25 % of the picture');
  });

  test('lies over the part of the photo that the model sees', () => {
    const size = { width: 224, height: 224 };
    const photo = { width: 480, height: 360 };
    expect(fieldOf(photo, { ...size, resize: 'squash' })).toEqual([0, 0, 1, 1]);
    expect(fieldOf(photo, { ...size, resize: 'centre-crop' })).toEqual([0.125, 0, 0.75, 1]);
    const tall = { width: 100, height: 400 };
    expect(fieldOf(tall, { ...size, resize: 'centre-crop' })).toEqual([0, 0.375, 1, 0.25]);
    const cutFrom = [256, 256] as const;
    expect(fieldOf(tall, { ...size, resize: 'centre-crop', cutFrom })).toEqual([
      ...[0.0625, 0.390625, 0.875, 0.21875],
    ]);
    expect(fieldOf(photo, { ...size, resize: 'squash', cutFrom })).toEqual([
      ...[0.0625, 0.0625, 0.875, 0.875],
    ]);
  });
});

describe('of many pictures', () => {
  test('some are chosen evenly by rank, the best and the worst among them', () => {
    const scores = [3, 9, 1, 8, 5, 7, 2, 6, 4];
    expect(evenlyByScore(scores, 3)).toEqual([1, 2, 4]);
    expect(evenlyByScore(scores, 1)).toEqual([1]);
    expect(evenlyByScore(scores, 9)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
    expect(evenlyByScore(scores, 100)).toHaveLength(9);
    for (let count = 1; count <= 9; count++) {
      expect(new Set(evenlyByScore(scores, count)).size).toBe(count);
    }
  });

  test('more are made smaller', () => {
    const sides = [1, 250, 251, 500, 501, 1000].map((count) => photoSize(count).side);
    expect(sides).toEqual([480, 480, 320, 320, 224, 224]);
  });
});

describe('programs of the page', () => {
  const folder = new URL('../../src/report/in-page/', import.meta.url);

  test('take nothing of their modules along: they import types only', () => {
    const files = readdirSync(folder);
    expect(files.length).toBeGreaterThan(5);
    for (const name of files) {
      const code = readFileSync(new URL(name, folder), 'utf8');
      const imports = code.match(/^import .*$/gm) ?? [];
      expect(imports.filter((line) => !line.startsWith('import type '))).toEqual([]);
      // One function, and nothing beside it that it could use.
      expect(code.match(/^(export )?(function|const|let|class) (?!uPlot)/gm)).toHaveLength(1);
    }
  });

  test('must not hold what would end their element', () => {
    const main = () => {
      console.log('<!-- a script that begins a comment never ends -->');
    };
    expect(() => program(main, {})).toThrow(/markup/);
    expect(program(({ add }) => add(1, 2), { add: (a: number, b: number) => a + b }).text).toMatch(
      /^\(\(\) => \{\n'use strict';/,
    );
  });
});
