import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { glimpse, json, small, temporaryFolder } from './glimpse.js';

const folder = temporaryFolder();
const scenes = 'scenes:48,dev=12,size=24';
const model = join(folder, 'run', 'best.safetensors');
beforeAll(async () => {
  const flags = [...['--picture-size', '24', '--epochs', '2'], ...small];
  await glimpse(['train', 'captioner', scenes, '--out', join(folder, 'run'), ...flags]);
});

const report = (out: string, ...flags: string[]) =>
  glimpse(['report', scenes, '--model', model, '--out', out, '--json', ...flags]);

function dataOf(path: string) {
  const [, data = ''] = /id="report-data">(.*?)<\/script>/s.exec(readFileSync(path, 'utf8')) ?? [];
  return JSON.parse(data);
}

test('the page has every picture, with the captions and scores that evaluate gives', async () => {
  const out = join(folder, 'all.html');
  const made = await report(out, '--decoder', 'beam', '--beam', '3');
  expect(made).toMatchObject({ code: 0 });
  const decoding = ['--decoder', 'beam', '--beam', '3', '--captions', '--json'];
  const evaluated = json(await glimpse(['evaluate', scenes, '--model', model, ...decoding]));
  const { cider, bleu4, rougeL, captions } = evaluated;
  expect(json(made)).toMatchObject({ out, shown: 12, images: 12, cider, bleu4, rougeL });
  expect(json(made).bytes).toBe(readFileSync(out).length);

  const { pictures, history, command, title } = dataOf(out);
  expect(title).toBe('Drawn scenes, dev');
  expect(pictures).toMatchObject(
    (Array.isArray(captions) ? captions : []).map(({ image, caption, cider }) => ({
      id: image,
      caption,
      scores: { cider: expect.closeTo(cider, 3) },
    })),
  );
  expect(history.map(({ epoch }: { epoch: number }) => epoch)).toEqual([1, 2]);
  expect(command).toBe(
    `glimpse report ${scenes} --model ${model} --out ${out} --json --decoder beam --beam 3`,
  );
  const page = readFileSync(out, 'utf8');
  expect(page.match(/<img [^>]*src="data:image\/png;base64,/g)).toHaveLength(12);
  expect(page).toContain('This model has no attention.');
});

test('of many pictures it shows some, evenly by CIDEr', async () => {
  const out = join(folder, 'some.html');
  const { stdout, code } = await glimpse([
    ...['report', scenes, '--model', model, '--out', out, '--images', '5'],
  ]);
  expect(code).toBe(0);
  expect(stdout).toMatch(/^Drawn scenes, dev: 12 images, CIDEr \d\.\d{4} \(0 to 10\), BLEU-4 /);
  expect(stdout).toContain(`${out}: 5 of 12, evenly from the best to the worst by CIDEr`);
  expect(dataOf(out).pictures).toHaveLength(5);
  expect(readFileSync(out, 'utf8')).toContain('5 of 12, evenly');
});

test('what is wrong is told before any work, and nothing is written', async () => {
  const out = join(folder, 'nowhere', 'report.html');
  const nowhere = await report(out);
  expect(nowhere.code).toBe(1);
  expect(nowhere.stderr).toContain(out);
  expect(nowhere.stderr).not.toContain('captioning');
  const tooMany = await report(join(folder, 'x.html'), '--images', '1001');
  expect(tooMany).toMatchObject({ code: 2, stderr: expect.stringContaining('at most 1000') });
  const beam = await report(join(folder, 'x.html'), '--beam', '3');
  expect(beam).toMatchObject({ code: 2, stderr: expect.stringContaining('beam') });
  const none = ['report', 'scenes:4,dev=0', '--model', model, '--out', join(folder, 'x.html')];
  expect(await glimpse(none)).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('has no dev images'),
  });
  expect(existsSync(join(folder, 'x.html'))).toBe(false);
});
