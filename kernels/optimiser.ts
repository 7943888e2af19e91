import { firstLane, lanes } from './shared/simd';

// Adam (Kingma and Ba 2015, algorithm 1), the bias corrections folded into `rate` and `epsilon`:
//   m = b1 m + c1 g;  v = b2 v + c2 g^2;  w -= rate m / (sqrt(v) + epsilon)
// with c = 1 - b from the caller: in f32 the subtraction would cost c2 four digits.
// g is scaled first (gradient clipping), w multiplied by `keep` (decoupled weight decay, Loshchilov and
// Hutter 2019: keep = 1 - rate decay; 1 is plain Adam).
// @ts-ignore: decorator
@inline
function adamAt<T>(
  w: v128, g: v128, m: v128, v: v128, pm: usize, pv: usize, rate: v128, b1: T, c1: T, b2: T, c2: T, epsilon: v128,
  keep: v128, single: bool,
): v128 {
  const newM = v128.add<T>(
    v128.mul<T>(v128.splat<T>(b1), m),
    v128.mul<T>(v128.splat<T>(c1), g),
  );
  const newV = v128.add<T>(
    v128.mul<T>(v128.splat<T>(b2), v),
    v128.mul<T>(v128.splat<T>(c2), v128.mul<T>(g, g)),
  );
  if (single) {
    store<T>(pm, firstLane<T>(newM));
    store<T>(pv, firstLane<T>(newV));
  } else {
    v128.store(pm, newM);
    v128.store(pv, newV);
  }
  const denominator = v128.add<T>(v128.sqrt<T>(newV), epsilon);
  return v128.sub<T>(v128.mul<T>(keep, w), v128.div<T>(v128.mul<T>(rate, newM), denominator));
}

// divides n by 16: w, g, m, v
export function adam<T>(
  w: usize, g: usize, m: usize, v: usize, n: i32, scale: T, rate: T, b1: T, c1: T, b2: T, c2: T, epsilon: T,
  keep: T,
): void {
  const vrate = v128.splat<T>(rate);
  const vepsilon = v128.splat<T>(epsilon);
  const vscale = v128.splat<T>(scale);
  const vkeep = v128.splat<T>(keep);
  const whole = n - (n % lanes<T>());
  for (let i = 0; i < whole; i += lanes<T>()) {
    const o = <usize>i * sizeof<T>();
    const gradient = v128.mul<T>(vscale, v128.load(g + o));
    v128.store(
      w + o,
      adamAt<T>(
        v128.load(w + o), gradient, v128.load(m + o), v128.load(v + o), m + o, v + o,
        vrate, b1, c1, b2, c2, vepsilon, vkeep, false,
      ),
    );
  }
  for (let i = whole; i < n; i++) {
    const o = <usize>i * sizeof<T>();
    const gradient = v128.splat<T>(scale * load<T>(g + o));
    const updated = adamAt<T>(
      v128.splat<T>(load<T>(w + o)), gradient, v128.splat<T>(load<T>(m + o)),
      v128.splat<T>(load<T>(v + o)), m + o, v + o, vrate, b1, c1, b2, c2, vepsilon, vkeep, true,
    );
    store<T>(w + o, firstLane<T>(updated));
  }
}

// SGD with momentum (Sutskever et al. 2013, in PyTorch's form): v = mu v + g;  w -= rate v.
// divides n by 16: w, g, v
export function momentum<T>(w: usize, g: usize, v: usize, n: i32, scale: T, rate: T, mu: T): void {
  const whole = n - (n % lanes<T>());
  const vscale = v128.splat<T>(scale);
  const vrate = v128.splat<T>(rate);
  const vmu = v128.splat<T>(mu);
  for (let i = 0; i < whole; i += lanes<T>()) {
    const o = <usize>i * sizeof<T>();
    const gradient = v128.mul<T>(vscale, v128.load(g + o));
    const velocity = v128.add<T>(v128.mul<T>(vmu, v128.load(v + o)), gradient);
    v128.store(v + o, velocity);
    v128.store(w + o, v128.sub<T>(v128.load(w + o), v128.mul<T>(vrate, velocity)));
  }
  for (let i = whole; i < n; i++) {
    const o = <usize>i * sizeof<T>();
    const velocity: T = mu * load<T>(v + o) + scale * load<T>(g + o);
    store<T>(v + o, velocity);
    store<T>(w + o, load<T>(w + o) - rate * velocity);
  }
}
