// Milliseconds of broadcasting, sums, transposes and gathers in f32, and numpy's beside them.
//
//   node bench/elementwise.mjs [--repeats 20]
import {
  addForward,
  expForward,
  gatherForward,
  meanForward,
  multiplyBackward,
  multiplyForward,
  scope,
  sumForward,
  tensor,
  transposeForward,
} from './glimpse.mjs';
import {
  here,
  inScope,
  machine,
  median,
  numberOption,
  publish,
  python,
  runForJson,
  table,
} from './tools.mjs';

const repeats = numberOption('repeats', 20);
/** Sums of squares may differ by the rounding of long sums in f32. */
const tolerance = 1e-4;

const figures = { machine: machine(), results: [] };
const ours = inScope(scope, () => {
  // Small numbers by formula, so that numpy has the same.
  const filled = (...shape) => {
    const size = shape.reduce((product, extent) => product * extent, 1);
    const values = Float32Array.from({ length: size }, (_, i) => ((i % 17) - 8) / 8);
    return tensor(values, { shape });
  };
  const every = (count) =>
    tensor(
      Int32Array.from({ length: count }, (_, i) => (i * 7) % count),
      { dtype: 'i32' },
    );
  const [a, b] = [filled(2048, 1024), filled(2048, 1024)];
  const [row, column, three] = [filled(1024), filled(2048, 1), filled(700000, 3)];
  const [maps, channel, few] = [filled(32, 512, 13, 13), filled(512, 1, 1), filled(3)];
  const { cache } = multiplyForward(a, row);
  const gradients = () => {
    const { dx, dy } = multiplyBackward(b, cache);
    return [dx, dy];
  };
  return Object.entries({
    'add, one shape': () => [addForward(a, b).out],
    'add, a number': () => [addForward(a, 1).out],
    'add, a row': () => [addForward(a, row).out],
    'add, a column': () => [addForward(a, column).out],
    'add, a row of 3': () => [addForward(three, few).out],
    'multiply, channels': () => [multiplyForward(maps, channel).out],
    'multiply, a row, backward': gradients,
    exp: () => [expForward(a).out],
    'sum of all': () => [sumForward(a).out],
    'sum over axis 0': () => [sumForward(a, { axes: 0 }).out],
    'mean over axis 1': () => [meanForward(a, { axes: 1 }).out],
    transpose: () => [transposeForward(a).out],
    'channels last': () => [transposeForward(maps, [0, 2, 3, 1]).out],
    'gather, axis 0': () => [gatherForward(a, every(2048)).out],
    'gather, axis 1': () => [gatherForward(a, every(1024), 1).out],
  }).map(([name, work]) => ({ name, ...measure(work) }));
});

const numpy = await runForJson(python, [
  here('peers/elementwise_numpy.py'),
  ...['--repeats', String(repeats)],
]);
const theirs = new Map((numpy.results ?? []).map((result) => [result.name, result]));
const rows = [];
for (const { name, milliseconds, squares } of ours) {
  const peer = theirs.get(name);
  const [own, best] = [median(milliseconds), Math.min(...milliseconds)];
  const cells = [name, own.toFixed(2), best.toFixed(2)];
  if (peer && !(Math.abs(peer.squares / squares - 1) <= tolerance)) {
    console.log(`  ${name}: ours and numpy's disagree, so no ratio`);
    process.exitCode = 1;
  } else if (peer) {
    const [median2, best2] = [median(peer.milliseconds), Math.min(...peer.milliseconds)];
    cells.push(median2.toFixed(2), best2.toFixed(2), (median2 / own).toFixed(2));
  }
  rows.push(cells);
  figures.results.push({ name, milliseconds, numpy: peer?.milliseconds });
}
console.log('\nElementwise and indexing, milliseconds in f32, one thread; ratio: numpy over ours');
const header = ['', 'median', 'best', 'numpy median', 'best', 'ratio'];
const filledUp = rows.map((cells) => [...cells, ...Array(header.length - cells.length).fill('-')]);
console.log(table(header, filledUp));
if (numpy.skipped) console.log(`  numpy: skipped, ${numpy.skipped}`);
publish(figures);

/** Every call's time, and the sum of squares of what came out. */
function measure(work) {
  const milliseconds = [];
  let squares = 0;
  for (let run = -2; run < repeats; run++) {
    inScope(scope, () => {
      const begin = performance.now();
      const outputs = work();
      if (run >= 0) milliseconds.push(performance.now() - begin);
      if (run < repeats - 1) return;
      for (const output of outputs) for (const value of output.dataSync()) squares += value * value;
    });
  }
  return { milliseconds, squares };
}
