import type { Platform } from './blas.js';

/** A page has no system libraries: products run on the SIMD kernel. */
export const platform: Platform = {
  openBlas: () => ({ absent: 'a browser has no system BLAS' }),
};
