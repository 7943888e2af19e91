// How a training step is compared with its peers: everybody takes turns, one process at a time,
// has to compute what we compute, and only then are there ratios.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { here, machine, median, python, runForJson, table } from './tools.mjs';

/** The loss agrees to this relative error. */
const lossTolerance = 1e-5;
/** A gradient's sum of squares agrees to this relative error. */
const squaresTolerance = 1e-4;
/** Its first values agree to this share of its root mean square. */
const valueTolerance = 1e-3;

/** A script of this folder in Node, on a manifest. */
export function node(script, manifest, count, environment) {
  const args = [here(script), manifest, '--warmup', '2', '--repeats', String(count)];
  return runForJson(process.execPath, args, environment);
}

/** A peer in Python, with so many threads. */
export function py(peer, manifest, count, threads, environment) {
  const counts = ['--warmup', '2', '--repeats', String(count), '--threads', String(threads)];
  return runForJson(python, [here(`peers/${peer}.py`), manifest, ...counts], environment);
}

/**
 * PyTorch in three ways. A program reads its threads and how they wait from the environment when it
 * starts, so every variant is a process of its own. An empty OMP_WAIT_POLICY is OpenMP's default.
 */
export function torchVariants(peer, repeats) {
  const { cores } = machine();
  const variant = (label, threads, policy) => ({
    key: 'torch',
    label: `torch, ${label}`,
    run: (manifest) => py(peer, manifest, repeats, threads, { OMP_WAIT_POLICY: policy }),
  });
  return [
    variant(`${cores} threads, as it comes`, cores, ''),
    variant(`${cores} threads, passive waiting`, cores, 'PASSIVE'),
    variant('1 thread', 1, 'PASSIVE'),
  ];
}

/**
 * Rounds of everybody in turn, one process at a time, so that noise hits all alike.
 * @param competitors each `{ key, label, run(manifest), absent?() }`; the one to compare with has
 *   the key `glimpse`, `absent` says why one cannot take part.
 * @param write puts the inputs into a folder and returns their manifest.
 * @returns the competitors with what their runs said.
 */
export async function inTurns(competitors, rounds, write) {
  const folder = mkdtempSync(join(tmpdir(), 'glimpse-bench-'));
  const entries = competitors.map((one) => ({ ...one, runs: [], skipped: one.absent?.() }));
  try {
    const manifest = write(folder);
    for (let round = 0; round < rounds; round++) {
      for (const entry of entries) {
        if (entry.skipped) continue;
        const result = await entry.run(manifest);
        if (result.skipped) entry.skipped = result.skipped;
        else entry.runs.push(result);
      }
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
  return entries;
}

/**
 * What came of it, as text and as figures.
 * @param verdicts from the standings to lines of text; asked only when all agree.
 */
export function report(title, entries, verdicts) {
  const lines = [title];
  const took = entries.filter((entry) => entry.runs.length > 0);
  const own = took.find((entry) => entry.key === 'glimpse');
  if (!own) return { text: `${title}\n  ${entries[0].skipped}`, data: {}, agree: false };

  const disagreements = took.flatMap((entry) => disagreement(entry, own));
  const agree = disagreements.length === 0;
  for (const entry of took) {
    entry.milliseconds = entry.runs.flatMap((run) => run.milliseconds);
    entry.median = median(entry.milliseconds);
    entry.least = Math.min(...entry.milliseconds);
  }
  const rows = took.map((entry) => [
    entry.label,
    entry.runs[0].threads,
    entry.median.toFixed(1),
    entry.least.toFixed(1),
    agree ? `${(entry.median / own.median).toFixed(2)}x` : '-',
    agree ? `${(entry.least / own.least).toFixed(2)}x` : '-',
  ]);
  lines.push(table(['', 'threads', 'median', 'least', 'of glimpse', 'by least'], rows));
  for (const { label, skipped } of entries)
    if (skipped) lines.push(`  ${label}: skipped, ${skipped}`);
  const products = productsOf(own);
  if (agree) {
    const { calls, milliseconds, gflops, outside } = products;
    lines.push(
      `  All agree: loss within ${lossTolerance}, squares of every gradient within ${squaresTolerance} (relative),`,
      `  first values within ${valueTolerance} of their root mean square.`,
      `  glimpse: ${own.runs[0].blas ?? 'no BLAS on this machine'}; ${calls} products take ${milliseconds.toFixed(1)} ms at ${gflops.toFixed(0)} GFLOP/s, the rest ${outside.toFixed(1)} ms`,
      ...verdicts({ took, own, products, best: (key) => bestOf(took, key) }),
    );
  } else {
    lines.push('  No ratios, for the results differ:', ...disagreements.map((d) => `    ${d}`));
  }
  const data = { agree, disagreements, products, peers: took.map(published) };
  return { text: lines.join('\n'), data, agree };
}

/** How a peer stands against us, with a target if there is one. */
export function against(peer, own, variant = '', target = undefined) {
  const ratio = peer.median / own.median;
  const verdict = target ? ` (target >= ${target}: ${ratio >= target ? 'met' : 'missed'})` : '';
  return `  ${ratio.toFixed(2)} times as fast as ${peer.key} ${peer.runs[0].version}${variant}${verdict}`;
}

function bestOf(took, key) {
  return took.filter((entry) => entry.key === key).sort((x, y) => x.median - y.median)[0];
}

function published({ label, runs, median, least, milliseconds }) {
  const { threads, version, blas } = runs[0];
  return { label, threads, version, blas, median, least, milliseconds };
}

/** Where two results differ by more than rounding. */
export function disagreement(entry, own) {
  const [a, b] = [entry.runs[0], own.runs[0]];
  const found = [];
  if (!(Math.abs(a.loss - b.loss) <= lossTolerance * Math.abs(b.loss))) {
    found.push(`${entry.label}: the loss is ${a.loss}, ours ${b.loss}`);
  }
  const names = new Set([...Object.keys(a.gradients), ...Object.keys(b.gradients)]);
  for (const name of names) {
    const [theirs, mine] = [a.gradients[name], b.gradients[name]];
    if (!theirs || !mine) {
      found.push(`${entry.label}: d${name} is ${theirs ? 'theirs' : 'ours'} alone`);
      continue;
    }
    const [s, t] = [theirs.sum_of_squares, mine.sum_of_squares];
    if (!(Math.abs(s - t) <= squaresTolerance * t)) {
      found.push(`${entry.label}: the squares of d${name} sum to ${s}, ours to ${t}`);
    }
    const allowed = valueTolerance * Math.sqrt(t / mine.count);
    const far = theirs.first.findIndex((value, i) => !(Math.abs(value - mine.first[i]) <= allowed));
    if (far >= 0) {
      found.push(
        `${entry.label}: d${name}[${far}] is ${theirs.first[far]}, ours ${mine.first[far]}`,
      );
    }
  }
  return found;
}

/** Our matrix products: their share of the step and their speed, medians over all timed steps. */
function productsOf({ runs }) {
  const steps = runs.flatMap((run) =>
    run.products.map((product, i) => ({ ...product, step: run.milliseconds[i] })),
  );
  return {
    share: median(steps.map(({ milliseconds, step }) => milliseconds / step)),
    milliseconds: median(steps.map(({ milliseconds }) => milliseconds)),
    outside: median(steps.map(({ milliseconds, step }) => step - milliseconds)),
    gflops: median(steps.map(({ milliseconds, flops }) => flops / milliseconds / 1e6)),
    calls: steps[0].calls,
  };
}
