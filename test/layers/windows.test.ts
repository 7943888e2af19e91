import { describe, expect, test } from 'vitest';
import { ShapeError, ValueError } from '@/errors.js';
import { overOneFrame, windowsOver, windowsOver3d } from '@/layers/windows.js';

describe('windows over a clip', () => {
  test('are counted in each direction as those over an image are', () => {
    const options = {
      stride: [2, 3, 1],
      padding: { before: 1, top: 2, right: 3 },
      dilation: [1, 2, 3],
    } as const;
    const clip = windowsOver3d('test', [7, 12, 20], [3, 4, 5], options);
    const image = windowsOver('test', [12, 20], [4, 5], {
      stride: [3, 1],
      padding: { top: 2, right: 3 },
      dilation: [2, 3],
    });
    const time = { T: 7, KT: 3, ST: 2, PT: 1, endPT: 0, DT: 1, OT: 3 };
    expect(clip).toEqual({ ...image, ...time });
    expect(image).toMatchObject({ PH: 2, endPH: 0, PW: 0, endPW: 3, OH: 3, OW: 11 });
  });

  test('are rounded up with ceilMode, but never start in the padding after the clip', () => {
    const options = { stride: 2, padding: [0, 0, 1] } as const;
    expect(windowsOver3d('test', [4, 5, 3], 3, options)).toMatchObject({ OT: 1, OH: 2, OW: 2 });
    expect(windowsOver3d('test', [4, 5, 3], 3, options, true)).toMatchObject({
      OT: 2,
      OH: 2,
      OW: 2,
    });
    const end = { stride: 2, padding: { after: 1 } } as const;
    expect(windowsOver3d('test', [4, 1, 1], 1, end, true).OT).toBe(2);
  });

  test('over one frame are windows over an image', () => {
    const image = windowsOver('test', [6, 7], [3, 2], { padding: 1 });
    expect(overOneFrame(image)).toEqual(
      windowsOver3d('test', [1, 6, 7], [1, 3, 2], { padding: [0, 1, 1] }),
    );
  });

  test('name what is wrong', () => {
    expect(() => windowsOver3d('test', [2, 9, 9], [3, 2, 2], {})).toThrow(ShapeError);
    expect(() =>
      windowsOver3d('test', [4, 9, 9], 3, { dilation: [2, 1, 1], padding: { right: 1 } }),
    ).toThrow(
      /\(3, 3, 3\) that reaches over \(5, 3, 3\).*a clip of \(4, 9, 9\).*\(before 0, after 0, top 0, bottom 0, left 0, right 1\)/,
    );
    expect(() => windowsOver3d('test', [1, 1, 1], 2, { padding: [0, 1, 1] })).toThrow(
      /a clip of \(1, 1, 1\) with padding \(0, 1, 1\)/,
    );
    const clip = [4, 4, 4] as const;
    expect(() => windowsOver3d('test', clip, 2, { stride: [0, 1, 1] })).toThrow(ValueError);
    expect(() => windowsOver3d('test', clip, 2, { padding: { before: -1 } })).toThrow(
      /padding must be an integer from 0 on \(or a triple of them\), not -1/,
    );
    expect(() => windowsOver3d('test', clip, [1, 2.5, 1], {})).toThrow(/kernel .* 2.5/);
    expect(() => windowsOver3d('test', clip, 2, { dilation: 0 })).toThrow(/dilation .* 0/);
  });
});
