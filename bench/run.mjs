// Runs the benches one after another, each in a process of its own.
//
//   npm run bench                                    all of them
//   npm run bench -- captioner gemm                  these
//   npm run bench -- --json figures.json             and writes every figure to a file
//   npm run bench -- captioner --rounds 1            other options go to the benches
import { spawn } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { here, machine } from './tools.mjs';

const shared = resolve(here('..'), process.env.GLIMPSE_SHARED ?? '../shared');
/** Each bench, and why it cannot run here, if so. */
const benches = {
  captioner: () => undefined,
  gemm: () => undefined,
  memory: () => undefined,
  encoder: () =>
    existsSync(join(shared, 'weights'))
      ? undefined
      : 'no weights in the shared data (GLIMPSE_SHARED names its folder)',
};

const args = process.argv.slice(2);
const named = [];
const passedOn = [];
let json;
while (args.length > 0) {
  const arg = args.shift();
  if (arg === '--json') json = args.shift() ?? usage('--json takes a file name');
  else if (arg.startsWith('--')) passedOn.push(arg, args.shift() ?? usage(`${arg} takes a value`));
  else if (arg in benches) named.push(arg);
  else usage(`no bench is called ${arg}; there are ${Object.keys(benches).join(', ')}`);
}

const figures = { machine: machine() };
const { cpu, cores, node, load } = figures.machine;
console.log(`${cpu}, ${cores} cores, Node ${node}, load ${load} before the start`);
if (load > 0.5) console.log('This machine is busy: take the ratios with care.');
for (const name of named.length > 0 ? named : Object.keys(benches)) {
  const reason = existsSync(here(`${name}.mjs`)) ? benches[name]() : `no bench/${name}.mjs`;
  if (reason) console.log(`\n${name}: skipped, ${reason}`);
  else figures[name] = await run(name);
}
if (json) {
  writeFileSync(json, `${JSON.stringify(figures, null, 2)}\n`);
  console.log(`\nFigures: ${json}`);
}

/** One bench; its text goes straight through, its figures come as a message. */
function run(name) {
  return new Promise((done) => {
    const child = spawn(process.execPath, ['--expose-gc', here(`${name}.mjs`), ...passedOn], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    let published;
    child.on('message', (message) => {
      published = message;
    });
    child.on('close', (code) => {
      if (code !== 0) {
        console.log(`  ${name} ended with ${code}`);
        process.exitCode = 1;
      }
      done(published);
    });
  });
}

function usage(message) {
  console.error(message);
  process.exit(2);
}
