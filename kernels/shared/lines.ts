// Lines of images: rows of W elements with others up to a `stride`, a multiple of 4, that nobody looks at, so
// that there are only whole vectors.

/** The r-th number of a list of rows. */
// @ts-ignore: decorator
@inline
export function entry(lines: usize, r: i32): i32 {
  return load<i32>(lines + (<usize>r << 2));
}

/** The number of the row y, or of the first or the last one when there is no such row. */
// @ts-ignore: decorator
@inline
export function clamped(y: i32, H: i32): i32 {
  return min(max(y, 0), H - 1);
}

/** Before a line stands its first element, behind it its last one: `count` before 0 and behind `stride`. */
// @ts-ignore: decorator
@inline
export function extend<T>(line: usize, W: i32, stride: i32, count: i32): void {
  const before: T = load<T>(line);
  const behind: T = load<T>(line + <usize>(W - 1) * sizeof<T>());
  for (let i = 1; i <= count; i++) store<T>(line - <usize>i * sizeof<T>(), before);
  for (let i = W; i < stride + count; i++) store<T>(line + <usize>i * sizeof<T>(), behind);
}
