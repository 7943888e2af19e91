// Homogeneous points (a, b, w) to (a, b) / w. Near the horizon, where w is about 0, w counts as 1e-6 on
// its side of it: the point is far away, and finite. (NaN is not near.)

// @ts-ignore: decorator
@inline
function depth<T>(w: T): T {
  const least: T = <T>1e-6;
  return abs<T>(w) < least ? copysign<T>(least, w) : w;
}

// y[i] = (h[i, 0], h[i, 1]) / h[i, 2];  h (points, 3), y (points, 2).
export function perspective<T>(h: usize, y: usize, points: i32): void {
  const size = sizeof<T>();
  for (let i = 0; i < points; i++) {
    const from = h + <usize>i * 3 * size;
    const to = y + <usize>i * 2 * size;
    const w: T = depth<T>(load<T>(from + 2 * size));
    store<T>(to, load<T>(from) / w);
    store<T>(to + size, load<T>(from + size) / w);
  }
}

// dh = (dy / w, -dy . y / w);  near the horizon w is held, and has no gradient.
export function perspectiveBackward<T>(h: usize, y: usize, dy: usize, dh: usize, points: i32): void {
  const size = sizeof<T>();
  for (let i = 0; i < points; i++) {
    const two = <usize>i * 2 * size;
    const three = <usize>i * 3 * size;
    const given: T = load<T>(h + three + 2 * size);
    const w: T = depth<T>(given);
    const da: T = load<T>(dy + two) / w;
    const db: T = load<T>(dy + two + size) / w;
    store<T>(dh + three, da);
    store<T>(dh + three + size, db);
    const dw: T = -(da * load<T>(y + two) + db * load<T>(y + two + size));
    store<T>(dh + three + 2 * size, w == given || given != given ? dw : 0);
  }
}
