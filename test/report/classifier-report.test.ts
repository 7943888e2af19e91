import { expect, test } from 'vitest';
import { chartAssets } from '@/report/assets.js';
import { type ClassifierPage, renderClassifierReport } from '@/report/classifier-report.js';

const assets = await chartAssets();
const epoch = (number: number, devError: number) => ({
  epoch: number,
  train: { loss: 0.5, error: 0.25 },
  dev: { loss: 0.4, error: devError, overlap: 0.375 },
  rate: 0.001,
  seconds: 12.34,
});
const report: ClassifierPage = {
  title: 'st-cnn <of> 8',
  subtitle: 'digits',
  figures: [{ label: 'Dev error', value: '1.5 %' }],
  history: [epoch(1, 0.02), epoch(2, 0.015), epoch(3, 0.03)],
  pictures: [
    {
      label: '"7" & <b>',
      input: Uint8Array.of(1, 2, 3),
      width: 42,
      height: 40,
      box: [1, 2, 11, 22],
      moments: [
        {
          epoch: 0,
          windows: [[0.5, 0.25, 41, 39.98765]],
          views: [Uint8Array.of(4)],
          said: '1',
          probability: 0.25,
        },
        {
          epoch: 3,
          windows: [[5, 6, 7, 8]],
          views: [Uint8Array.of(5)],
          said: '"7" & <b>',
          probability: 0.996,
        },
      ],
    },
  ],
  command: 'glimpse vision train x',
};

test('draws windows and the box, tells right from wrong, and loads nothing', () => {
  const page = renderClassifierReport(report, assets);
  expect(page).toContain('<svg viewBox="0 0 42 40"');
  expect(page).toContain('<rect x="1" y="2" width="10" height="20"/>');
  expect(page).toContain('<polygon points="0.5,0.25 41,39.99"/>');
  expect(page).toContain(
    '<img class="view" src="data:image/png;base64,BQ==" alt="what is seen, epoch 3">',
  );
  expect(page).toMatch(/before<br><b class="wrong">✗ 1<\/b> 25 %/);
  expect(page).toMatch(/epoch 3<br><b class="right">✓ &#34;7&#34; &#38; &#60;b&#62;<\/b> 100 %/);
  expect(page).toContain('dashed: the box around the digit');
  expect(page).not.toMatch(/(src|href)="(?!data:)/);
  expect(page).not.toContain('<of>');
});

test('the curves are of percents, and the best epoch is the one with the lowest error', () => {
  const page = renderClassifierReport(report, assets);
  const [, data = ''] = /id="report-data">(.*?)<\/script>/s.exec(page) ?? [];
  const { history, charts } = JSON.parse(data);
  expect(history.map(({ devError }: { devError: number }) => devError)).toEqual([2, 1.5, 3]);
  expect(charts).toMatchObject([
    { id: 'error-chart', best: { key: 'devError', epoch: 2 } },
    { id: 'loss-chart', best: { key: 'devLoss', epoch: 1 } },
  ]);
  expect(page).toContain('<td>1.50 %</td><td>0.375</td><td>12.3</td>');
});

test('a run that has not ended an epoch, of a network without windows', () => {
  const pictures = report.pictures.map(({ box: _, ...picture }) => ({
    ...picture,
    moments: picture.moments.map((moment) => ({ ...moment, windows: [], views: [] })),
  }));
  const page = renderClassifierReport({ ...report, history: [], pictures }, assets);
  expect(page).not.toMatch(/<polygon|<rect|class="view"|id="error-chart"|dashed:/);
});
