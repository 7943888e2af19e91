import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { sceneDataset } from '@/data/captions/scenes.js';
import { percent } from '@/data/text/printable.js';
import { type Ended, glimpse, interrupted, json, temporaryFolder } from './glimpse.js';

const folder = temporaryFolder();
const tiny = ['--scenes', '48', '--epochs', '2', '--seed', '7'];

describe('a tiny demo', () => {
  const out = join(folder, 'demo');
  const scenes = sceneDataset({ train: 48, dev: 12, test: 12, seed: 7, size: 48 });
  let demo: Ended;
  beforeAll(async () => {
    demo = await glimpse(['demo', '--out', out, ...tiny, '--json']);
  });

  test('answers one JSON document and does not judge what was shrunk', () => {
    expect(demo.code).toBe(0);
    expect(json(demo)).toMatchObject({
      heldOut: 12,
      target: 0.9,
      judged: false,
      trainScenes: 48,
      epochs: 2,
      model: join(out, 'best.safetensors'),
      report: join(out, 'report.html'),
    });
    expect(demo.stderr.match(/^epoch \d/gm)).toEqual(['epoch 1', 'epoch 2']);
  });

  test('tells the truth about each held-out scene, and counts what is right', () => {
    const { captions, exactMatch, right } = json(demo);
    const truths = scenes.splits.test.map((scene) => scene.captions[0]);
    expect(captions).toMatchObject(truths.map((truth) => ({ truth })));
    const said = Array.isArray(captions) ? captions : [];
    expect(said.map((one) => one.right)).toEqual(said.map((one) => one.caption === one.truth));
    expect(right).toBe(said.filter((one) => one.right).length);
    expect(exactMatch).toBe(Number(right) / 12);
  });

  test('writes a model, a report and the pictures, and nothing else', () => {
    expect(readdirSync(out).sort()).toEqual([
      'best.safetensors',
      'last.safetensors',
      'report.html',
      'scenes',
    ]);
    expect(readdirSync(join(out, 'scenes')).sort()).toEqual(
      scenes.splits.test.map(({ id }) => `${id}.png`).sort(),
    );
  });

  test('the report shows pictures, captions and both losses, and loads nothing', () => {
    const page = readFileSync(join(out, 'report.html'), 'utf8');
    const [, data = ''] = /id="report-data">(.*?)<\/script>/s.exec(page) ?? [];
    const { cards, history, command } = JSON.parse(data);
    const answered = json(demo).captions;
    expect(cards).toEqual(
      (Array.isArray(answered) ? answered : []).map(({ caption, truth, right }) => ({
        caption,
        truths: [truth],
        verdict: right ? 'right' : 'wrong',
      })),
    );
    expect(history.map(({ epoch }: { epoch: number }) => epoch)).toEqual([1, 2]);
    expect(command).toBe('glimpse demo --scenes 48 --epochs 2 --seed 7');
    expect(page.match(/<img src="data:image\/png;base64,/g)).toHaveLength(12);
    expect(page).not.toMatch(/(src|href)="(?!data:)/);
  });

  test('its model says about a picture file what the demo said about the scene', async () => {
    const picture = join(out, 'scenes', 'test-3.png');
    const { stdout } = await glimpse([
      'caption',
      picture,
      '--model',
      join(out, 'best.safetensors'),
    ]);
    expect(json(demo).captions).toContainEqual(
      expect.objectContaining({ image: picture, caption: stdout.trim() }),
    );
  });

  test('does not overwrite a run unless told so', async () => {
    const refused = await glimpse(['demo', '--out', out, ...tiny]);
    expect(refused.code).toBe(2);
    expect(refused.stderr).toMatch(/holds a run already .*--overwrite/);
    const again = await glimpse(['demo', '--out', out, ...tiny, '--overwrite']);
    expect(again.code).toBe(0);
    expect(again.stdout).toMatch(/^[✓✗] says {3}a .*\n {2}truth {2}a /m);
    expect(again.stdout).toContain(
      `${percent(Number(json(demo).exactMatch))} of 12 held-out scenes captioned exactly right`,
    );
  });
});

test('an interrupted demo is saved and can be continued', async () => {
  const out = join(folder, 'interrupted');
  const stopped = await interrupted(
    ['demo', '--out', out, '--scenes', '60', '--epochs', '1000'],
    /^epoch 2/m,
  );
  expect(stopped.code).toBe(130);
  expect(existsSync(join(out, 'report.html'))).toBe(false);
  const [, command = ''] = /^continue with: glimpse (.*)$/m.exec(stopped.stderr) ?? [];
  const resumed = await interrupted([...command.split(' '), '--json'], /^epoch \d/m);
  expect(resumed.code).toBe(130);
  const [, epoch] = /^epoch (\d+)/m.exec(resumed.stderr) ?? [];
  expect(Number(epoch)).toBeGreaterThan(2);
});

test('a folder that cannot be written is told before anything is learned', async () => {
  const inFile = join(folder, 'demo', 'report.html', 'x');
  const ended = await glimpse(['demo', '--out', inFile, ...tiny]);
  expect(ended.code).toBe(1);
  expect(ended.stderr).toContain(inFile);
  expect(ended.stderr).not.toContain('epoch 1');
});
