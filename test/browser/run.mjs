// Runs one LSTM forward and backward in headless Chromium and compares it with the same kernels
// here: node test/browser/run.mjs. $CHROME names another browser.
import { findChromium, runInChromium } from './chromium.mjs';

const browser = findChromium();
if (!browser) {
  console.log('skipped: no Chromium found (set CHROME to the path of one)');
} else {
  const started = performance.now();
  const { page, node } = await runInChromium(browser);
  let [worst, count] = [0, 0];
  for (const [name, expected] of Object.entries(node.results)) {
    for (const [i, value] of expected.entries()) {
      const difference = Math.abs(value - (page.results[name]?.[i] ?? Number.NaN));
      worst = Math.max(worst, difference);
      count++;
    }
  }
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.log(
    `${browser}, engine ${page.engine}: ${count} values, largest difference ${worst}, ${seconds} s`,
  );
  if (!(worst < 1e-6)) process.exitCode = 1;
}
