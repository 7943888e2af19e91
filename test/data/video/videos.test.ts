import { describeWithShared } from '@test/shared.js';
import { expect, test } from 'vitest';
import { readClip } from '@/data/video/read-clip.js';
import { videoHeader } from '@/data/video/video-header.js';

const size = { width: 40, height: 60, resize: 'squash' } as const;

describeWithShared('a video that lasts 84 frames', 'data/video/weizmann4/bend', (folder) => {
  const path = `${folder}/daria.mp4`;

  test('says what it has', async () => {
    expect(await videoHeader(path)).toMatchObject({ width: 64, height: 64, rate: 25, frames: 84 });
  });

  test.each([
    [{}, 84, [0, 0.04, 0.08]],
    [{ frames: 16 }, 16, [0.08, 0.28, 0.52]],
    [{ frames: 100 }, 100, [0, 0.04, 0.08, 0.08]],
    [{ rate: 10 }, 34, [0, 0.1, 0.2]],
  ])('is read with %o', async (sampling, T, first) => {
    const clip = await readClip({ path }, { size, sampling });
    expect(clip.values).toHaveLength(T * 60 * 40 * 3);
    expect(clip.times).toHaveLength(T);
    for (const [t, time] of first.entries()) expect(clip.times[t]).toBeCloseTo(time, 9);
  });
});
