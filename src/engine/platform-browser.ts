/** What a browser offers the engine: no BLAS. */
import type { Platform } from './blas.js';
import type { Threads } from './crew.js';

/** A page has no system libraries: products run on the SIMD kernel. */
export const platform: Platform = {
  openBlas: () => ({ absent: 'a browser has no system BLAS' }),
  threadsChoice: () => undefined,
  openThreads() {
    if (!globalThis.crossOriginIsolated) {
      return { absent: 'the page is not cross-origin isolated, so it may not share memory' };
    }
    return { count: globalThis.navigator?.hardwareConcurrency ?? 1, start: startThread };
  },
};

const startThread: Threads['start'] = (program, start, lost) => {
  const source = `${program};onmessage = ({ data }) => serve(data);`;
  const address = URL.createObjectURL(new Blob([source], { type: 'text/javascript' }));
  const worker = new Worker(address, { name: 'glimpse' });
  worker.addEventListener('error', lost);
  worker.postMessage(start);
  return () => {
    worker.terminate();
    URL.revokeObjectURL(address);
  };
};
