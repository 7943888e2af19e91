// One training step of a captioner in Glimpse, timed and reported as the peers do it.
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { engine, scope, Tensor } from './glimpse.mjs';
import { inScope, numberOption } from './tools.mjs';

/** What the peers' captioners have neither of. */
export const asThePeers = { dropout: 0, normaliseFeatures: false };

/** The tensors of the manifest that the command line names first. */
export function readInputs() {
  const path = process.argv[2];
  const manifest = JSON.parse(readFileSync(path, 'utf8'));
  return Object.fromEntries(
    Object.entries(manifest).map(([name, { dtype, shape, file }]) => {
      const bytes = readFileSync(join(dirname(path), file));
      return [name, Tensor.fromBytes(dtype === 'int32' ? 'i32' : 'f32', shape, bytes)];
    }),
  );
}

/**
 * Prints the times of `model.loss` on these inputs (after a warm-up), the loss, and the gradients
 * under the names that `named` gives them.
 */
export function reportStep(model, { features, captions }, named) {
  reportWork(
    () => model.loss(features, captions).loss.item(),
    () => {
      const { loss, gradients } = model.loss(features, captions);
      return { loss: loss.item(), gradients: named(gradients) };
    },
  );
}

/** Prints the times of `work`, and the loss and the gradients (or other results) that `show` returns. */
export function reportWork(work, show) {
  const step = () => inScope(scope, work);
  for (let run = 0; run < numberOption('warmup', 3); run++) step();
  const milliseconds = [];
  const products = [];
  for (let run = 0; run < numberOption('repeats', 10); run++) {
    const begin = performance.now();
    const profiled = engine().profileProducts(step);
    milliseconds.push(performance.now() - begin);
    products.push(profiled.products);
  }
  inScope(scope, () => {
    const { loss, gradients } = show();
    const { blas } = engine();
    const summaries = Object.entries(gradients).map(([name, gradient]) => [
      name,
      summary(gradient.dataSync()),
    ]);
    console.log(
      JSON.stringify({
        peer: blas ? 'glimpse' : 'glimpse without BLAS',
        threads: blas?.threads() ?? engine().threads,
        blas: blas?.name ?? null,
        milliseconds,
        products,
        loss,
        gradients: Object.fromEntries(summaries),
      }),
    );
  });
}

/** Enough of a gradient to see whether two peers agree. */
export function summary(values) {
  return {
    count: values.length,
    sum_of_squares: values.reduce((sum, value) => sum + value * value, 0),
    first: Array.from(values.subarray(0, 8)),
  };
}
