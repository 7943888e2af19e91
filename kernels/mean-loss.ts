import { sigmoid, softplus } from './shared/math';
import { at, firstLane, lanes, put } from './shared/simd';

// Losses that are a mean over all values of a tensor, written to and read from the heap.

// loss = mean of (x - y)^2, summed in f64.
export function squaredError<T>(x: usize, y: usize, loss: usize, n: i32): void {
  let sum: f64 = 0;
  for (let i = 0; i < n; i++) {
    const o = <usize>i * sizeof<T>();
    const d = <f64>load<T>(x + o) - <f64>load<T>(y + o);
    sum += d * d;
  }
  store<T>(loss, <T>(sum / <f64>n));
}

// dx = 2 dLoss (x - y) / n.
export function squaredErrorBackward<T>(x: usize, y: usize, dLoss: usize, dx: usize, n: i32): void {
  const scale = v128.splat<T>((<T>2 * load<T>(dLoss)) / <T>n);
  const whole = n - (n % lanes<T>());
  for (let i = 0; i < n; i += i < whole ? lanes<T>() : 1) {
    const o = <usize>i * sizeof<T>();
    const single = i >= whole;
    const d = v128.sub<T>(at<T>(x + o, single), at<T>(y + o, single));
    put<T>(dx + o, v128.mul<T>(scale, d), single);
  }
}

// loss = mean of ln(1 + e^x) - x y = -y ln sigmoid(x) - (1 - y) ln(1 - sigmoid(x)), summed in f64.
export function binaryCrossEntropy<T>(x: usize, y: usize, loss: usize, n: i32): void {
  let sum: f64 = 0;
  for (let i = 0; i < n; i++) {
    const o = <usize>i * sizeof<T>();
    const v = load<T>(x + o);
    sum += <f64>firstLane<T>(softplus<T>(v128.splat<T>(v))) - <f64>v * <f64>load<T>(y + o);
  }
  store<T>(loss, <T>(sum / <f64>n));
}

// dx = dLoss (sigmoid(x) - y) / n.
export function binaryCrossEntropyBackward<T>(x: usize, y: usize, dLoss: usize, dx: usize, n: i32): void {
  const scale = v128.splat<T>(load<T>(dLoss) / <T>n);
  const whole = n - (n % lanes<T>());
  for (let i = 0; i < n; i += i < whole ? lanes<T>() : 1) {
    const o = <usize>i * sizeof<T>();
    const single = i >= whole;
    const d = v128.sub<T>(sigmoid<T>(at<T>(x + o, single)), at<T>(y + o, single));
    put<T>(dx + o, v128.mul<T>(scale, d), single);
  }
}
