// Optical flow in Glimpse, called as the peer is. Without a method: Farneback's, which is written to a file.
//
//   node bench/flow-step.mjs <manifest.json> [--warmup 3] [--repeats 10] [--method hornSchunck|hardwired]
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { engine, farneback, hardwired, hornSchunck, scope } from './glimpse.mjs';
import { readInputs } from './step.mjs';
import { inScope, numberOption } from './tools.mjs';

const folder = dirname(process.argv[2]);
const options = JSON.parse(readFileSync(join(folder, 'options.json'), 'utf8'));
const { previous, next } = readInputs();
const method = process.argv[process.argv.indexOf('--method') + 1];
const works = {
  hornSchunck: () => hornSchunck(previous, next),
  // Clips of 7 frames, each of 6 pairs and a frame more.
  hardwired: () => {
    const [N, H, W] = previous.shape;
    return hardwired(previous.slice(0, N - (N % 7)).view((N - (N % 7)) / 7, 1, 7, H, W)).flowX;
  },
};
const work = works[method] ?? (() => farneback(previous, next, options));
const milliseconds = [];
for (let run = -numberOption('warmup', 3); run < numberOption('repeats', 10); run++) {
  inScope(scope, () => {
    const begin = performance.now();
    const flow = work();
    if (run >= 0) milliseconds.push(performance.now() - begin);
    else if (!(method in works)) writeFileSync(join(folder, 'glimpse.bin'), flow.dataSync());
  });
}
console.log(JSON.stringify({ threads: engine().threads, milliseconds }));
