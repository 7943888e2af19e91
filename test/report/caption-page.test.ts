import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findChromium } from '@test/browser/chromium.mjs';
import { openPage, type Page } from '@test/browser/devtools.mjs';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { shrinkPicture } from '@/data/pictures/photos.js';
import { chartAssets } from '@/report/assets.js';
import { renderCaptionReport } from '@/report/caption-report.js';
import { photoSize } from '@/report/report-picture.js';
import { pictureOf, reportOf } from './fake-pictures.js';

const chromium = findChromium();
if (!chromium) console.warn('no Chromium found (set CHROME to the path of one): no page is tested');

/** Where the canvas is brightest, as shares of its width and height: the middle of the hot spot. */
const brightest = (canvas: string) => `(() => {
  const shown = document.querySelector(${JSON.stringify(canvas)});
  const canvas = Object.assign(document.createElement('canvas'), { width: shown.width, height: shown.height });
  const context = canvas.getContext('2d', { willReadFrequently: true });
  context.drawImage(shown, 0, 0);
  const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
  let [sum, x, y] = [0, 0, 0];
  for (let i = 0; i < data.length; i += 4) {
    const weight = Math.max(0, data[i] + data[i + 1] - 250) * data[i + 3];
    const pixel = i / 4;
    sum += weight;
    x += weight * (pixel % canvas.width);
    y += weight * Math.floor(pixel / canvas.width);
  }
  return sum === 0 ? null : [x / sum / canvas.width, y / sum / canvas.height];
})()`;

/** Looks at every frame until the expression is true. */
const until = (expression: string) => `new Promise((done) => {
  const look = () => (${expression} ? done() : requestAnimationFrame(look));
  look();
})`;

/** The viewer has opened a picture when its photo is decoded and its words are laid out. */
const opened = (position: string) =>
  until(`document.querySelector('#viewer .position').textContent.startsWith('${position}')
    && document.querySelectorAll('#viewer .strip li').length === 4
    && document.activeElement.matches('#viewer .caption')`);

describe.skipIf(!chromium)('a caption report in Chromium', () => {
  const folder = mkdtempSync(join(tmpdir(), 'glimpse-report-'));
  const path = join(folder, 'report.html');
  /** Heat maps jump instead of gliding. */
  const calm = { 'prefers-reduced-motion': 'reduce' };
  let page: Page;

  beforeAll(async () => {
    if (!chromium) return;
    const data = new Uint8Array(160 * 120 * 3).fill(90);
    const pixels = { width: 160, height: 120, channels: 3, data } as const;
    const photo = await shrinkPicture(pixels, photoSize(3));
    const pictures = [
      pictureOf(photo, { id: 'first.jpg', cider: 0.5 }),
      pictureOf(photo, { id: 'second.jpg', cider: 2, references: ['A Zebra crossing .'] }),
      pictureOf(photo, { id: 'third.jpg', cider: 0.125, words: [] }),
    ];
    writeFileSync(path, renderCaptionReport(reportOf(pictures), await chartAssets()));
    page = await openPage(chromium, path);
    await page.media(calm);
  });
  afterAll(async () => {
    await page?.close();
    rmSync(folder, { recursive: true, force: true });
  });
  beforeEach(async () => {
    await page.evaluate(`document.querySelector('#viewer').close(); document.querySelector('#clear').click();
      document.activeElement.blur()`);
  });

  const shown = () =>
    page.evaluate(`[...document.querySelectorAll('#cards .photo-card')]
      .filter((card) => !card.hidden).map((card) => card.getAttribute('aria-label'))`);
  const lit = (within: string) =>
    page.evaluate(
      `[...document.querySelectorAll('${within} .shown')].map((word) => word.textContent)`,
    );

  test('has a card for each picture, two charts, and the showcase of the best', async () => {
    expect(await shown()).toEqual(['first.jpg', 'second.jpg', 'third.jpg']);
    expect(await page.evaluate(`document.querySelectorAll('.chart canvas').length`)).toBe(2);
    const strip = `[...document.querySelectorAll('#showcase .strip li')].map((li) => li.textContent)`;
    expect(await page.evaluate(strip)).toEqual(['a', 'dog', 'runs', 'away']);
    const photos = `[...document.querySelectorAll('.shelf img')].map((image) => image.naturalWidth)`;
    expect(await page.evaluate(photos)).toEqual([160, 160]);
  });

  test('the word under the pointer moves the heat map; away from it there is none', async () => {
    const canvas = '#picture-0 canvas';
    await page.point('#picture-0 [data-word="0"]');
    expect(await lit('#picture-0')).toEqual(['a']);
    expect(await page.evaluate(brightest(canvas))).toEqual([
      expect.closeTo(0.5 / 5, 1),
      expect.closeTo(0.5 / 4, 1),
    ]);
    await page.point('#picture-0 [data-word="1"]');
    expect(await lit('#picture-0')).toEqual(['dog']);
    expect(await page.evaluate(brightest(canvas))).toEqual([
      expect.closeTo(4.5 / 5, 1),
      expect.closeTo(3.5 / 4, 1),
    ]);
    expect(await page.evaluate(`document.querySelector('#picture-0 .readout').textContent`)).toBe(
      'p 0.25, lower right, 90 % in one of 20 places',
    );
    await page.point('h1');
    expect(await lit('#picture-0')).toEqual([]);
    expect(await page.evaluate(brightest(canvas))).toBeNull();
  });

  test('the heat map glides where nobody minds motion', async () => {
    await page.media({});
    await page.point('#picture-1 [data-word="0"]');
    await page.evaluate(until(`${brightest('#picture-1 canvas')}?.[0] < 0.2`));
    await page.point('#picture-1 [data-word="1"]');
    await page.evaluate(until(`${brightest('#picture-1 canvas')}?.[0] > 0.8`));
    await page.point('h1');
    await page.evaluate(until(`${brightest('#picture-1 canvas')} === null`));
    await page.media(calm);
  });

  test('the arrow keys step through the words of a caption that has the focus', async () => {
    await page.evaluate(`document.querySelector('#picture-0 .caption').focus()`);
    const seen = [];
    for (const key of ['ArrowRight', 'ArrowRight', 'End', 'ArrowRight', 'ArrowLeft', 'Home']) {
      await page.key(key);
      seen.push(await lit('#picture-0'));
    }
    expect(seen).toEqual([['a'], ['dog'], ['away'], ['away'], ['runs'], ['a']]);
    await page.key('Escape');
    expect(await lit('#picture-0')).toEqual([]);
    await page.key('ArrowLeft');
    expect(await lit('#picture-0')).toEqual(['away']);
    await page.key('Tab');
    expect(await lit('#picture-0')).toEqual([]);
  });

  test('search, order and histogram choose and sort the cards', async () => {
    const type = (text: string) =>
      page.evaluate(`(() => { const search = document.querySelector('#search');
        search.value = ${JSON.stringify(text)}; search.dispatchEvent(new Event('input')); })()`);
    const order = (value: string) =>
      page.evaluate(`(() => { const order = document.querySelector('#order');
        order.value = '${value}'; order.dispatchEvent(new Event('change')); })()`);
    await type('zebra CROSS');
    expect(await shown()).toEqual(['second.jpg']);
    expect(await page.evaluate(`document.querySelector('#count').textContent`)).toBe(
      '1 of 3 pictures',
    );
    await type('nothing of the kind');
    expect(await shown()).toEqual([]);
    expect(await page.evaluate(`document.querySelector('#nothing').hidden`)).toBe(false);
    await page.click('#clear');
    await order('best');
    expect(await shown()).toEqual(['second.jpg', 'first.jpg', 'third.jpg']);
    await order('worst');
    expect(await shown()).toEqual(['third.jpg', 'first.jpg', 'second.jpg']);
    await order('given');
    await page.click('.histogram li:first-child button');
    expect(await shown()).toEqual(['third.jpg']);
    await page.click('.histogram li:first-child button');
    expect(await shown()).toEqual(['first.jpg', 'second.jpg', 'third.jpg']);
  });

  test('a photo opens large, with all references and a photo for each word', async () => {
    await page.click('#picture-0 .stage');
    await page.evaluate(opened('1 of 3'));
    const state = () =>
      page.evaluate(`(() => { const viewer = document.querySelector('#viewer'); return {
        open: viewer.open, position: viewer.querySelector('.position').textContent,
        references: [...viewer.querySelectorAll('.truths li')].map((li) => li.textContent),
        strip: viewer.querySelectorAll('.strip li').length,
        pressed: [...viewer.querySelectorAll('.strip [aria-pressed="true"]')].map((b) => b.textContent),
      }; })()`);
    expect(await state()).toMatchObject({
      open: true,
      position: '1 of 3 · first.jpg',
      references: ['A dog runs .', 'Something brown'],
      strip: 4,
      pressed: [],
    });
    await page.key('ArrowRight');
    await page.key('ArrowRight');
    expect(await state()).toMatchObject({ pressed: ['dog'] });
    expect(await page.evaluate(brightest('#viewer .stage canvas'))).toEqual([
      expect.closeTo(0.9, 1),
      expect.closeTo(0.875, 1),
    ]);
    await page.click('#viewer .strip li:nth-child(3) button');
    expect(await lit('#viewer')).toEqual(['runs']);
    await page.key('ArrowRight', 8);
    await page.evaluate(opened('2 of 3'));
    expect(await state()).toMatchObject({
      position: '2 of 3 · second.jpg',
      references: ['A Zebra crossing .'],
    });
    await page.key('Escape');
    // Back to the card of the picture that was shown last.
    await page.evaluate(until(`document.activeElement.closest('.photo-card')?.id === 'picture-1'`));
    expect(await state()).toMatchObject({ open: false });
  });

  test('is as wide as a telephone where that is all there is', async () => {
    await page.resize(360, 780, true);
    // The charts shrink when the browser has told them.
    await page.evaluate(until('document.documentElement.scrollWidth === 360'));
    await page.click('#picture-1 .stage');
    await page.evaluate(opened('2 of 3'));
    expect(await page.evaluate(`document.querySelector('#viewer').scrollWidth`)).toBe(360);
    await page.resize(1280, 900);
  });

  test('is dark for those who like it so, and unfolds on paper', async () => {
    const colours = () =>
      page.evaluate(`['html', '.photo-card', '.caption'].map((selector) => {
        const { backgroundColor, color } = getComputedStyle(document.querySelector(selector));
        return selector === '.caption' ? color : backgroundColor; })`);
    expect(await colours()).toEqual([
      'rgb(244, 243, 239)',
      'rgb(255, 255, 255)',
      'rgb(28, 31, 36)',
    ]);
    await page.media({ 'prefers-color-scheme': 'dark' });
    expect(await colours()).toEqual(['rgb(18, 20, 24)', 'rgb(27, 30, 36)', 'rgb(236, 238, 242)']);
    await page.media({}, 'print');
    const open = `[...document.querySelectorAll('#cards details')].map((details) => details.open)`;
    await page.evaluate(`dispatchEvent(new Event('beforeprint'))`);
    expect(await page.evaluate(open)).toEqual([true, true]);
    expect(
      await page.evaluate(`getComputedStyle(document.querySelector('.toolbar')).display`),
    ).toBe('none');
    await page.evaluate(`dispatchEvent(new Event('afterprint'))`);
    expect(await page.evaluate(open)).toEqual([false, false]);
    await page.media({});
  });

  test('never complains and asks for nothing but itself', () => {
    expect(page.problems).toEqual([]);
    const elsewhere = page.requests.filter((url) => !url.startsWith('data:'));
    expect(elsewhere).toEqual([expect.stringMatching(/^file:.*report\.html$/)]);
  });
});
