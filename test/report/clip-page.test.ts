import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findChromium } from '@test/browser/chromium.mjs';
import { openPage, type Page } from '@test/browser/devtools.mjs';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { chartAssets } from '@/report/assets.js';
import { renderClipCaptionReport } from '@/report/clip-caption-report.js';
import { renderClipReport } from '@/report/clip-report.js';
import { greyClip, sheetOf } from './fake-clips.js';

const chromium = findChromium();
if (!chromium) console.warn('no Chromium found (set CHROME to the path of one): no page is tested');

describe.skipIf(!chromium)('clips in Chromium', () => {
  const folder = mkdtempSync(join(tmpdir(), 'glimpse-clips-'));
  let page: Page;

  beforeAll(async () => {
    if (!chromium) return;
    const clip = greyClip([0, 80, 160, 240]);
    const film = { sheet: await sheetOf(clip), times: [...clip.times] };
    const scores = {
      of: 'window',
      times: [0, 2],
      values: [
        [0.9, 0.1],
        [0.5, 0.5],
      ],
    } as const;
    const base = { probabilities: [0.7, 0.3], end: 2, unit: 's', film, scores } as const;
    const path = join(folder, 'clips.html');
    const report = {
      title: 'clips',
      subtitle: '',
      figures: [],
      classes: ['bend', 'wave'],
      about: 'all',
      clips: [
        { ...base, id: 'first', label: 0 },
        { ...base, id: 'second', label: 1 },
      ],
      history: [],
    };
    writeFileSync(path, renderClipReport(report, await chartAssets()));
    page = await openPage(chromium, path);
  });
  afterAll(async () => {
    await page?.close();
    rmSync(folder, { recursive: true, force: true });
  });
  beforeEach(async () => {
    await page.evaluate(`document.querySelector('#clip-0 .player').focus()`);
    await page.key('Home');
  });

  const of = (clip: number, selector: string, what: string) =>
    page.evaluate(`document.querySelector('#clip-${clip} ${selector}').${what}`);
  /** The place of the frame that a player shows, in its sheet of two columns. */
  const frame = async (clip: number) => {
    const box = String(await of(clip, '.screen svg', `getAttribute('viewBox')`)).split(' ');
    return Math.floor(Number(box[0]) / 6) + 2 * Math.floor(Number(box[1]) / 4);
  };

  test('the arrow keys step through the frames, and the figures follow the curves', async () => {
    const seen = [];
    for (const key of ['ArrowRight', 'ArrowRight', 'ArrowLeft', 'End', 'ArrowRight']) {
      await page.key(key);
      seen.push([await frame(0), await of(0, '.clock', 'textContent')]);
    }
    expect(seen).toEqual([
      [1, '0.50 s'],
      [2, '1.00 s'],
      [1, '0.50 s'],
      [3, '2.00 s'],
      [3, '1.50 s'],
    ]);
    // At 1.5 of 2 s: three quarters of the way from 90 to 50 %.
    expect(await of(0, '.legend [data-class="0"]', 'textContent')).toBe('60 %');
    expect(await of(0, '.timeline', `style.getPropertyValue('--at')`)).toBe('0.75');
    expect(await frame(1)).toBe(2);
  });

  test('a place on a row is a time; away from the rows it is where it was', async () => {
    await page.evaluate(`(() => {
      const track = document.querySelector('#clip-0 .curve').getBoundingClientRect();
      const move = (type, share, target) => target.dispatchEvent(new PointerEvent(type, {
        bubbles: true, clientX: track.left + share * track.width, clientY: track.top + 5 }));
      window.move = move;
      move('pointermove', 0.6, document.querySelector('#clip-0 .curve'));
    })()`);
    expect([await frame(0), await of(0, '.clock', 'textContent')]).toEqual([2, '1.20 s']);
    await page.evaluate(
      `document.querySelector('#clip-0 .timeline').dispatchEvent(new PointerEvent('pointerleave'))`,
    );
    expect([await frame(0), await of(0, '.clock', 'textContent')]).toEqual([0, '0.00 s']);
    await page.evaluate(`move('pointerdown', 0.3, document.querySelector('#clip-0 .curve'))`);
    await page.evaluate(
      `document.querySelector('#clip-0 .timeline').dispatchEvent(new PointerEvent('pointerleave'))`,
    );
    expect(await of(0, '.clock', 'textContent')).toBe('0.60 s');
  });

  test('one clip plays at a time', async () => {
    const labels = () =>
      page.evaluate(`[...document.querySelectorAll('.controls button')].map((b) => b.textContent)`);
    await page.key(' ');
    expect(await labels()).toEqual(['Pause', 'Play']);
    await page.evaluate(`new Promise((done) => {
      const look = () => document.querySelector('#clip-0 .clock').textContent > '0.1' ? done() : requestAnimationFrame(look);
      look();
    })`);
    await page.evaluate(`document.querySelector('#clip-1 .controls button').click()`);
    expect(await labels()).toEqual(['Play', 'Pause']);
    await page.evaluate(`document.querySelector('#clip-1 .controls button').click()`);
    expect(await labels()).toEqual(['Play', 'Play']);
  });

  test('right and wrong ones can be chosen', async () => {
    await page.evaluate(`document.querySelector('.filter [value="wrong"]').click()`);
    const shown = `[...document.querySelectorAll('.clip')].filter((one) => !one.hidden).map((one) => one.id)`;
    expect(await page.evaluate(shown)).toEqual(['clip-1']);
    await page.evaluate(`document.querySelector('.filter [value=""]').click()`);
    expect(await page.evaluate(shown)).toEqual(['clip-0', 'clip-1']);
  });
});

describe.skipIf(!chromium)('captioned clips in Chromium', () => {
  const folder = mkdtempSync(join(tmpdir(), 'glimpse-clips-'));
  let page: Page;

  beforeAll(async () => {
    if (!chromium) return;
    const clip = greyClip([0, 80, 160, 240]);
    const film = { sheet: await sheetOf(clip), times: [...clip.times] };
    const path = join(folder, 'clips.html');
    const told = {
      id: 'a',
      film,
      end: 2,
      seen: [0.25, 0.75, 1.25, 1.75],
      words: [
        { word: 'it', probability: 0.5, attention: [0.8, 0.2, 0, 0] },
        { word: 'moves', probability: 0.9, attention: [0, 0, 0.5, 0.5] },
        { word: 'not' },
      ],
      references: ['it moves'],
    };
    const report = { title: '', subtitle: '', figures: [], about: '', clips: [told], history: [] };
    writeFileSync(path, renderClipCaptionReport(report, await chartAssets()));
    page = await openPage(chromium, path);
  });
  afterAll(async () => {
    await page?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const lights = () =>
    page.evaluate(`[...document.querySelectorAll('.caption [data-word]')]
      .map((word) => word.style.getPropertyValue('--light') || '0.000')`);
  const readout = () => page.evaluate(`document.querySelector('.readout').textContent`);
  const opacities = () =>
    page.evaluate(
      `[...document.querySelectorAll('.row.film svg')].map((one) => one.style.opacity)`,
    );

  test('the word under the pointer lights up the frames that it looked at', async () => {
    const silent = await readout();
    await page.point('.caption [data-word="0"]');
    expect(await lights()).toEqual(['1.000', '0.000', '0.000']);
    expect(await readout()).toBe('p 0.50, most at 0.25 s: 80 %');
    const shown = (await opacities()) as string[];
    // Of nine frames in two seconds, the third is that at 0.75 s, which has a quarter of the highest weight.
    expect(shown).toHaveLength(9);
    expect([shown[1], shown[3], shown[8]].map(Number)).toEqual([1, 0.37, 0.16]);
    expect(await page.evaluate(`document.querySelector('.row.word.shown .name').textContent`)).toBe(
      'it',
    );
    await page.point('h2');
    expect(await lights()).toEqual(['0.000', '0.000', '0.000']);
    expect(await opacities()).toEqual(Array.from({ length: 9 }, () => ''));
    expect(await readout()).toBe(silent);
  });

  test('the arrow keys step through the words', async () => {
    await page.evaluate(`document.querySelector('.caption').focus()`);
    const seen = [];
    for (const key of ['ArrowRight', 'ArrowRight', 'ArrowRight', 'ArrowRight', 'ArrowLeft']) {
      await page.key(key);
      seen.push(((await lights()) as string[]).indexOf('1.000'));
    }
    expect(seen).toEqual([0, 1, 2, 2, 1]);
    await page.key('Escape');
    expect(await lights()).toEqual(['0.000', '0.000', '0.000']);
  });

  test('the words light up that looked at the moment that is shown', async () => {
    await page.evaluate(`document.querySelector('.player').focus()`);
    await page.key('Home');
    expect(await lights()).toEqual(['1.000', '0.000', '0.000']);
    await page.key('ArrowRight');
    await page.key('ArrowRight');
    expect(await lights()).toEqual(['0.250', '0.000', '0.000']);
    await page.key('End');
    expect(await lights()).toEqual(['0.000', '1.000', '0.000']);
  });
});
