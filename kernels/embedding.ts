import { lanes } from './shared/simd';

// out[i, :] = W[x[i], :]. Returns the position of the first index outside [0, V), or -1.
export function gather<T>(x: usize, W: usize, out: usize, n: i32, V: i32, D: i32): i32 {
  const bytes = <usize>D * sizeof<T>();
  for (let i = 0; i < n; i++) {
    const word = load<i32>(x + <usize>i * 4);
    if (<u32>word >= <u32>V) return i;
    memory.copy(out + <usize>i * bytes, W + <usize>word * bytes, bytes);
  }
  return -1;
}

// dW[x[i], :] += dout[i, :], in the order of i: repeated indices accumulate.
export function scatterAdd<T>(x: usize, dout: usize, dW: usize, n: i32, D: i32): void {
  const bytes = <usize>D * sizeof<T>();
  const whole = D - (D % lanes<T>());
  for (let i = 0; i < n; i++) {
    const from = dout + <usize>i * bytes;
    const to = dW + <usize>load<i32>(x + <usize>i * 4) * bytes;
    for (let j = 0; j < whole; j += lanes<T>()) {
      const o = <usize>j * sizeof<T>();
      v128.store(to + o, v128.add<T>(v128.load(to + o), v128.load(from + o)));
    }
    for (let j = whole; j < D; j++) {
      const o = <usize>j * sizeof<T>();
      store<T>(to + o, load<T>(to + o) + load<T>(from + o));
    }
  }
}
