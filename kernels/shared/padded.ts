import { lanes } from './simd';

/**
 * Rows `top` to `top + count` of x (H, W), and its columns from `left` on, as lines of `line` elements
 * with zeros where the image has none.
 */
export function padded<T>(
  x: usize, to: usize, H: i32, W: i32, top: i32, left: i32, count: i32, line: i32,
): void {
  const bytes = <usize>line * sizeof<T>();
  const skip = max(0, -left);
  const width = min(W - max(0, left), line - skip);
  for (let r = top; r < top + count; r++, to += bytes) {
    memory.fill(to, 0, bytes);
    if (r < 0 || r >= H || width <= 0) continue;
    const from = x + <usize>(r * W + max(0, left)) * sizeof<T>();
    const at = to + <usize>skip * sizeof<T>();
    let i = 0;
    for (; i + lanes<T>() <= width; i += lanes<T>()) {
      const o = <usize>i * sizeof<T>();
      v128.store(at + o, v128.load(from + o));
    }
    for (; i < width; i++) {
      const o = <usize>i * sizeof<T>();
      store<T>(at + o, load<T>(from + o));
    }
  }
}
