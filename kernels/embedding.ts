import { lanes } from './shared/simd';

// out[a, i, :] = W[a, x[i], :], for W (A, V, D) and n indices. Returns the position of the first index
// outside [0, V), or -1.
export function gather<T>(x: usize, W: usize, out: usize, A: i32, n: i32, V: i32, D: i32): i32 {
  const bytes = <usize>D * sizeof<T>();
  for (let i = 0; i < n; i++) {
    if (<u32>load<i32>(x + <usize>i * 4) >= <u32>V) return i;
  }
  let to = out;
  for (let a = 0; a < A; a++) {
    const table = W + <usize>a * <usize>V * bytes;
    if (D == 1) {
      for (let i = 0; i < n; i++) {
        store<T>(to, load<T>(table + <usize>load<i32>(x + <usize>i * 4) * sizeof<T>()));
        to += sizeof<T>();
      }
      continue;
    }
    for (let i = 0; i < n; i++) {
      memory.copy(to, table + <usize>load<i32>(x + <usize>i * 4) * bytes, bytes);
      to += bytes;
    }
  }
  return -1;
}

// dW[a, x[i], :] += dout[a, i, :], in the order of i: repeated indices accumulate.
export function scatterAdd<T>(x: usize, dout: usize, dW: usize, A: i32, n: i32, V: i32, D: i32): void {
  const bytes = <usize>D * sizeof<T>();
  const whole = D - (D % lanes<T>());
  let from = dout;
  for (let a = 0; a < A; a++) {
    const table = dW + <usize>a * <usize>V * bytes;
    for (let i = 0; i < n; i++) {
      const to = table + <usize>load<i32>(x + <usize>i * 4) * bytes;
      for (let j = 0; j < whole; j += lanes<T>()) {
        const o = <usize>j * sizeof<T>();
        v128.store(to + o, v128.add<T>(v128.load(to + o), v128.load(from + o)));
      }
      for (let j = whole; j < D; j++) {
        const o = <usize>j * sizeof<T>();
        store<T>(to + o, load<T>(to + o) + load<T>(from + o));
      }
      from += bytes;
    }
  }
}
