import { describe, expect, test } from 'vitest';
import { ShapeError } from '@/errors.js';
import { chartAssets } from '@/report/assets.js';
import { type CaptionedClip, clipCaptionCard, frameWeights } from '@/report/clip-caption-card.js';
import { renderClipCaptionReport } from '@/report/clip-caption-report.js';
import { clipCard, curveClasses, type ShownClip } from '@/report/clip-card.js';
import { type ClipReportPage, renderClipReport } from '@/report/clip-report.js';
import { greyClip, sheetOf } from './fake-clips.js';

const assets = await chartAssets();
const clip = greyClip([0, 80, 160, 240]);
const film = { sheet: await sheetOf(clip), times: [...clip.times] };
const classes = ['bend', '<wave>', 'jog', 'run', 'hop', 'skip', 'clap'];

const wrong: ShownClip = {
  id: 'a & b.mp4',
  label: 1,
  probabilities: [0.5, 0.02, 0.2, 0.1, 0.1, 0.05, 0.03],
  end: 2,
  unit: 's',
  film,
  maps: [{ name: 'flow', hint: 'motion', key: 'directions', sheet: film.sheet }],
  scores: {
    of: 'window',
    times: [0.5, 1.5],
    values: [
      [0.6, 0.04, 0.1, 0.1, 0.1, 0.06, 0],
      [0.4, 0, 0.3, 0.1, 0.1, 0.04, 0.06],
    ],
    weights: [0.25, 0.75],
  },
  moments: [
    { epoch: 0, said: 1, probability: 0.3 },
    { epoch: 1, said: 0, probability: 0.5 },
  ],
};
const right: ShownClip = {
  id: 'walk 3',
  label: 0,
  probabilities: [1, 0, 0, 0, 0, 0, 0],
  end: 30,
  unit: 'steps',
};
const report: ClipReportPage = {
  title: 'set <of> clips',
  subtitle: 'c3d',
  figures: [{ label: 'Clips right', value: '50 %' }],
  classes,
  confusion: classes.map((_, i) => classes.map((_, j) => Number(i === j))),
  about: 'all 2',
  clips: [wrong, right],
  history: [
    {
      epoch: 1,
      train: { loss: 1, error: 0.5 },
      dev: { loss: 2, error: 0.25 },
      rate: 1,
      seconds: 1,
    },
  ],
  command: { title: 'Make this report again', text: 'glimpse report x' },
};

/** The data that a page holds for programs. */
function dataOf(page: string) {
  const [, text = ''] = /id="report-data">(.*?)<\/script>/s.exec(page) ?? [];
  return JSON.parse(text);
}

describe('the report of a classifier of clips', () => {
  const page = renderClipReport(report, assets);

  test('holds all that it needs, and no text becomes markup', () => {
    expect(page).not.toMatch(/(src|href)="(?!data:|#)/);
    expect(page).not.toMatch(/<of>|<wave>|a & b\.mp4<|url\(/);
    expect(page).toContain('set &#60;of&#62; clips');
    // The film is there once, however often its frames are shown.
    expect(page.match(/data:image\/png/g)).toHaveLength(2);
    expect(page.match(/<use href="#film-0"\/>/g)).toHaveLength(1 + 9);
  });

  test('tells right from wrong, and the truth of what is wrong', () => {
    expect(page).toMatch(/data-verdict="wrong" aria-label="a &#38; b\.mp4"/);
    expect(page).toContain(
      '<p class="caption">bend</p>\n<p class="truth">It is <b>&#60;wave&#62;</b>',
    );
    expect(page).toMatch(/data-verdict="right" aria-label="walk 3"/);
    expect(page).toMatch(/All <b>2<\/b>.*Right <b>1<\/b>.*Wrong <b>1<\/b>/s);
    expect(page).toContain('<span>30 steps</span>');
    expect(page).toContain('aria-label="right after 1 of 2 epochs"');
  });

  test('programs find the numbers', () => {
    const { clips, history, charts, command } = dataOf(page);
    expect(history).toMatchObject([{ epoch: 1, devError: 25 }]);
    expect(charts).toMatchObject([{ id: 'error-chart' }, { id: 'loss-chart' }]);
    expect(command).toBe('glimpse report x');
    expect(clips).toMatchObject([
      {
        said: 0,
        label: 1,
        end: 2,
        film: { width: 6, height: 4, columns: 2, times: [0, 0.5, 1, 1.5] },
        overTime: { of: 'window', times: [0.5, 1.5], weights: [0.25, 0.75] },
      },
      { said: 0, label: 0, unit: 'steps' },
    ]);
    expect(clips[0].overTime.curves).toEqual([
      { class: 1, values: [0.04, 0] },
      { class: 0, values: [0.6, 0.4] },
      { class: 2, values: [0.1, 0.3] },
    ]);
  });

  test('of the classes the likeliest have bars, and the true one always', () => {
    const { text } = clipCard(wrong, 0, classes);
    const names = [...text.matchAll(/<li class="(\w*)"><span>(.*?)<\/span><i>/g)];
    expect(names.map(([, look, name]) => [look, name])).toEqual([
      ['false', 'bend'],
      ['', 'jog'],
      ['', 'run'],
      ['', 'hop'],
      ['true', '&#60;wave&#62;'],
    ]);
    expect(text).toContain('<i style="width: 50.0%"></i></i><b>50.0 %</b>');
  });

  test('curves are of the true class, of what is said, and of what was likely at some time', () => {
    expect(curveClasses(wrong)).toEqual([
      { k: 1, look: 'true' },
      { k: 0, look: 'false' },
      { k: 2, look: 'first' },
    ]);
    expect(curveClasses(right)).toEqual([]);
  });
});

describe('the report of captioned clips', () => {
  const told: CaptionedClip = {
    id: 'clip.mp4',
    film,
    end: 2,
    seen: [0.5, 1.5],
    places: 2,
    words: [
      { word: 'a', probability: 0.5, attention: [0.1, 0.2, 0.3, 0.4] },
      { word: '<dog>', probability: 0.25 },
    ],
    references: ['a dog', 'one dog'],
    verdict: 'wrong',
    scores: { cider: 0.5, bleu1: 0.6, bleu4: 0.1, rougeL: 0.4 },
  };

  test('the weights of the places of a frame are summed', () => {
    expect([...(frameWeights(told, 0) ?? [])].map((v) => Number(v.toFixed(6)))).toEqual([0.3, 0.7]);
    expect(frameWeights(told, 1)).toBeUndefined();
    const attention = [0.1, 0.2, 0.3];
    const bad = { ...told, words: [{ word: 'cat', attention }] };
    expect(() => clipCaptionCard(bad, 0)).toThrow(ShapeError);
    expect(() => clipCaptionCard(bad, 0)).toThrow(
      'clip.mp4: the word "cat" has 3 values of attention, 2 frames of 2 places need 4',
    );
  });

  test('a row for each word that has attention, and the numbers for programs', () => {
    const page = renderClipCaptionReport(
      {
        title: 'clips',
        subtitle: '',
        figures: [],
        remarks: ['few <words>'],
        about: 'the only one',
        clips: [told],
        history: [],
      },
      assets,
    );
    expect(page.match(/<div class="row word">/g)).toHaveLength(1);
    expect(page).toContain('<span data-word="0">a</span> <span data-word="1">&#60;dog&#62;</span>');
    expect(page).toContain('few &#60;words&#62;');
    expect(page).not.toMatch(/(src|href)="(?!data:|#)|<dog>/);
    const { clips } = dataOf(page);
    expect(clips).toMatchObject([
      {
        caption: 'a <dog>',
        seen: [0.5, 1.5],
        words: [
          { word: 'a', probability: 0.5, weights: [0.3, 0.7] },
          { word: '<dog>', probability: 0.25 },
        ],
        scores: { cider: 0.5 },
        verdict: 'wrong',
      },
    ]);
    expect(clips[0].words[1]).not.toHaveProperty('weights');
  });
});
