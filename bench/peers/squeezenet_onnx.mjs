// SqueezeNet 1.0 on a batch in onnxruntime-node: the network that squeezenet_torch.py has written.
//
//   node bench/peers/squeezenet_onnx.mjs <manifest.json> [--warmup 3] [--repeats 10] [--threads 2]
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { summary } from '../step.mjs';
import { numberOption } from '../tools.mjs';

const folder = dirname(process.argv[2]);
const network = join(folder, 'squeezenet.onnx');
if (!existsSync(network)) throw new Error('no squeezenet.onnx, which the PyTorch peer writes');
const { InferenceSession, Tensor } = await import('onnxruntime-node');
const { version } = createRequire(import.meta.url)('onnxruntime-node/package.json');

const threads = numberOption('threads', 1);
const session = await InferenceSession.create(network, {
  intraOpNumThreads: threads,
  graphOptimizationLevel: 'all',
});
const { shape, file } = JSON.parse(readFileSync(process.argv[2], 'utf8')).x;
const bytes = readFileSync(join(folder, file));
const x = new Tensor(
  'float32',
  new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4),
  shape,
);

const run = async () => (await session.run({ x })).logits.data;
for (let i = 0; i < numberOption('warmup', 3); i++) await run();
const milliseconds = [];
let logits = new Float32Array();
for (let i = 0; i < numberOption('repeats', 10); i++) {
  const begin = performance.now();
  logits = await run();
  milliseconds.push(performance.now() - begin);
}
console.log(
  JSON.stringify({
    peer: 'onnxruntime',
    version,
    threads,
    milliseconds,
    loss: logits.reduce((sum, value) => sum + value, 0),
    gradients: { logits: summary(logits) },
  }),
);
