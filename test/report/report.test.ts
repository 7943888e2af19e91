import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { drawScene } from '@/data/captions/scenes.js';
import { encodePng } from '@/data/pictures/photos.js';
import { ValueError } from '@/errors.js';
import { Random } from '@/random.js';
import { chartAssets } from '@/report/assets.js';
import { epochRows } from '@/report/epochs.js';
import { escapeHtml, html, scriptJson } from '@/report/html.js';
import type { ChartAssets } from '@/report/page.js';
import type { ReportCard } from '@/report/picture-cards.js';
import { markDifferences } from '@/report/picture-cards.js';
import { renderTrainingReport, type TrainingReport } from '@/report/training-report.js';

const history = [
  { epoch: 1, train: { loss: 2.5 }, dev: { loss: 2.25 }, rate: 1e-3, seconds: 3.14 },
  { epoch: 2, train: { loss: 1.25 }, dev: { loss: 1.125 }, rate: 9e-4, seconds: 6.28 },
  { epoch: 3, train: { loss: 0.625 }, dev: { loss: 1.5 }, rate: 8.1e-4, seconds: 9.42 },
];

let picture: Uint8Array;
let assets: ChartAssets;
beforeAll(async () => {
  picture = await encodePng(drawScene(new Random(1)).pixels);
  assets = await chartAssets();
});

function report(changes: Partial<TrainingReport> = {}): TrainingReport {
  return {
    title: 'Drawn scenes',
    subtitle: 'An LSTM of 64 units',
    figures: [
      { label: 'Exactly right', value: '97.4 %', hint: '487 of 500' },
      { label: 'Parameters', value: '412,905' },
    ],
    history,
    cards: [
      card({ caption: 'a red ball', truths: ['a red ball'], verdict: 'right' }),
      card({ caption: 'a red ball', truths: ['a blue ball'], verdict: 'wrong' }),
      card({ caption: 'two dogs', truths: ['dogs', 'two big dogs'] }),
    ],
    command: 'glimpse demo --seed 1',
    ...changes,
  };
}

function card(texts: Omit<ReportCard, 'picture'>): ReportCard {
  return { picture, ...texts };
}

const render = (changes?: Partial<TrainingReport>) => renderTrainingReport(report(changes), assets);

/** The page without its programs, style sheets and pictures: what a reader can see. */
const visible = (page: string) =>
  page.replace(/<(script|style)\b.*?<\/\1>/gs, '').replace(/data:image\/png;base64,[\w+/=]+/g, '');

function embedded(page: string): unknown {
  const [, json = ''] =
    /<script type="application\/json" id="report-data">(.*?)<\/script>/s.exec(page) ?? [];
  return JSON.parse(json);
}

test('the page needs nothing but itself', () => {
  const page = render();
  expect(page).toMatch(/^<!doctype html>/);
  expect(page).not.toMatch(/https?:\/\//i);
  expect(page).not.toMatch(/@import|url\(/i);
  const sources = [...page.matchAll(/<[^>]*\s(?:src|href|srcset|action|data)="([^"]*)"/gi)];
  expect(sources).toHaveLength(3);
  for (const [, source] of sources) expect(source).toMatch(/^data:image\/png;base64,/);
  expect(page).not.toMatch(/<link|<iframe|<object|<embed/i);
  expect(page).toContain("default-src 'none'");
});

test('shows title, figures, command, losses, captions and truths', () => {
  const page = visible(render());
  for (const text of [
    '<title>Drawn scenes</title>',
    '<h1>Drawn scenes</h1>',
    'An LSTM of 64 units',
    'Exactly right',
    '97.4 %',
    '487 of 500',
    '412,905',
    'glimpse demo --seed 1',
    'best on dev: 1.125 after epoch 2',
    'two big dogs',
  ]) {
    expect(page).toContain(text);
  }
  const rows = [...page.matchAll(/<th scope="row">(\d+)/g)].map(([, epoch]) => epoch);
  expect(rows).toEqual(['1', '2', '3']);
  expect(page).toContain(`<td>${Math.exp(1.5).toPrecision(4)}</td>`);
});

test('carries the pictures unharmed, each with its size and what it shows', () => {
  const page = render();
  const [, base64 = ''] = /src="data:image\/png;base64,([^"]*)"/.exec(page) ?? [];
  expect(Buffer.compare(Buffer.from(base64, 'base64'), picture)).toBe(0);
  expect(page).toMatch(/width="48" height="48" alt="a red ball"/);
  expect(page).toContain('alt="a blue ball"');
  for (const [image] of page.matchAll(/<img\b[^>]*>/g)) expect(image).toMatch(/ alt="[^"]+"/);
});

test('says right and wrong in words and marks the words that differ', () => {
  const page = visible(render());
  expect(page.match(/<\/svg> right<\/span>/g)).toHaveLength(1);
  expect(page.match(/<\/svg> wrong<\/span>/g)).toHaveLength(1);
  expect(page).toContain('a <mark>red</mark> ball');
  expect(page).toContain('a <mark>blue</mark> ball');
  expect(page).toMatch(/All <b>3<\/b>.*Right <b>1<\/b>.*Wrong <b>1<\/b>/s);
  expect(page.match(/<mark>/g)).toHaveLength(2);
});

test('leaves out what there is nothing to say about', () => {
  const page = visible(render({ figures: [], history: [], cards: [], command: undefined }));
  expect(page).not.toMatch(/<section|<dl|<article|id="loss-chart"/);
  const unjudged = render({ cards: [card({ caption: '', truths: [] })] });
  expect(visible(unjudged)).toContain('(no words)');
  expect(visible(unjudged)).not.toContain('class="filter"');
});

describe('texts are never markup', () => {
  const evil = `</script><script>alert("1")</script><!-- ' " & <img src=x onerror=alert(1)>`;
  const everywhere = (text: string): Partial<TrainingReport> => ({
    title: text,
    subtitle: text,
    figures: [{ label: text, value: text, hint: text }],
    cards: [
      card({ caption: text, truths: [text], verdict: 'right' }),
      card({ caption: text, truths: [`not ${text}`], verdict: 'wrong' }),
      card({ caption: text, truths: [text, text] }),
    ],
    command: text,
  });

  const unescaped = (text: string) =>
    text.replace(/&#(\d+);/g, (_, code) => String.fromCharCode(Number(code)));

  test('wherever they stand', () => {
    const page = render(everywhere(evil));
    const harmless = render(everywhere('harmless'));
    const tags = (text: string) => text.match(/<(?:script|\/script|img|!--)/gi);
    expect(tags(page)).toEqual(tags(harmless));
    expect(visible(page)).toContain(escapeHtml(evil));
    expect(embedded(page)).toMatchObject({ title: evil, command: evil, subtitle: evil });
  });

  test('whatever they are', () => {
    const special = fc.constantFrom(...'<>&"\'/!-;#', '</script>', '&amp;', '\u2028');
    const unit = fc.oneof(special, fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }));
    fc.assert(
      fc.property(fc.string({ unit, maxLength: 20 }), (text) => {
        const escaped = html`<p title="${text}">${text}</p>`.text;
        const [, attribute = '', content = ''] =
          /^<p title="([^<>"']*)">([^<>"']*)<\/p>$/.exec(escaped) ?? [];
        expect([attribute, content].map(unescaped)).toEqual([text, text]);
        const json = scriptJson({ text }).text;
        expect(json).not.toContain('<');
        expect(JSON.parse(json)).toEqual({ text });
      }),
      { seed: 1, numRuns: 500 },
    );
  });
});

test('holds its numbers and texts as JSON, without the pictures', () => {
  const schema = z.object({
    title: z.string(),
    figures: z.array(z.object({ label: z.string(), value: z.string() })),
    history: z.array(z.unknown()),
    cards: z.array(
      z.strictObject({
        caption: z.string(),
        truths: z.array(z.string()),
        verdict: z.string().optional(),
      }),
    ),
    command: z.string(),
  });
  const data = schema.parse(embedded(render()));
  expect(data.history).toEqual(epochRows(history));
  expect(data.cards).toHaveLength(3);
  expect(data.cards[1]).toEqual({
    caption: 'a red ball',
    truths: ['a blue ball'],
    verdict: 'wrong',
  });
});

test('refuses a picture that is no PNG, and says which', () => {
  const jpeg = Uint8Array.of(0xff, 0xd8, 0xff, ...new Uint8Array(40));
  const cards = [card({ caption: 'a', truths: [] }), { picture: jpeg, caption: 'b', truths: [] }];
  expect(() => render({ cards })).toThrow(ValueError);
  expect(() => render({ cards })).toThrow(/card 1/);
});

test('the program of the curves is there, with its licence and without an address', () => {
  expect(assets.script).toContain('var uPlot=');
  expect(assets.script).toContain('The MIT License');
  expect(assets.script + assets.style).not.toMatch(/https?:|<\/script|<\/style/i);
});

describe('the difference of two captions', () => {
  const marks = (caption: string, truth: string) => {
    const { caption: said, truths } = markDifferences(caption, truth);
    return [said.text, truths[0].text];
  };

  test.each([
    ['a big red ball', 'a big red ball', 'a big red ball', 'a big red ball'],
    [
      'a big grey ball',
      'a small red ball',
      'a <mark>big grey</mark> ball',
      'a <mark>small red</mark> ball',
    ],
    ['ball', 'a ball on top', 'ball', '<mark>a</mark> ball <mark>on top</mark>'],
    ['x y', 'z', '<mark>x y</mark>', '<mark>z</mark>'],
    ['a b a', 'b a b', '<mark>a</mark> b a', 'b a <mark>b</mark>'],
  ])('%s | %s', (caption, truth, said, meant) => {
    expect(marks(caption, truth)).toEqual([said, meant]);
  });

  test('leaves the same words unmarked on both sides, and loses none', () => {
    const words = fc.array(fc.constantFrom('a', 'red', 'ball', 'on'), {
      minLength: 1,
      maxLength: 8,
    });
    fc.assert(
      fc.property(words, words, (said, meant) => {
        const [a = '', b = ''] = marks(said.join(' '), meant.join(' '));
        const plain = (text: string) => text.replace(/<\/?mark>/g, '');
        const common = (text: string) =>
          text
            .replace(/<mark>.*?<\/mark>/g, '')
            .split(' ')
            .filter(Boolean);
        expect([plain(a), plain(b)]).toEqual([said.join(' '), meant.join(' ')]);
        expect(common(a)).toEqual(common(b));
      }),
      { seed: 2 },
    );
  });
});
