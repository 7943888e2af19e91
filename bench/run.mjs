// Runs the benches one after another, each in a process of its own.
//
//   npm run bench                                    all of them
//   npm run bench -- captioner gemm                  these
//   npm run bench -- --json figures.json             and writes every figure to a file
//   npm run bench -- captioner --rounds 1            other options go to the benches
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { here, machine } from './tools.mjs';

const shared = resolve(here('..'), process.env.GLIMPSE_SHARED ?? '../shared');
const sharedHint = 'the shared data (GLIMPSE_SHARED names its folder)';
/** Each bench: its arguments, and why it cannot run here, if so. */
const benches = {
  captioner: { takesOptions: true },
  attention: { takesOptions: true },
  convolution: { takesOptions: true },
  convolution3d: { takesOptions: true },
  flow: { takesOptions: true },
  gemm: { takesOptions: true },
  elementwise: { takesOptions: true },
  threads: { takesOptions: true },
  memory: { takesOptions: true },
  decoding: {},
  metrics: { takesOptions: true },
  video: { takesOptions: true, program: 'ffmpeg' },
  encoder: { args: [shared], needs: ['weights/squeezenet1_0.safetensors', 'data/flickr8k'] },
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
  const missing = benches[name].needs?.find((path) => !existsSync(join(shared, path)));
  const { program } = benches[name];
  if (missing) console.log(`\n${name}: skipped, no ${missing} in ${sharedHint}`);
  else if (program && spawnSync(program, ['-version']).status !== 0)
    console.log(`\n${name}: skipped, no ${program}`);
  else figures[name] = await run(name);
}
if (json) {
  writeFileSync(json, `${JSON.stringify(figures, null, 2)}\n`);
  console.log(`\nFigures: ${json}`);
}

/** One bench; its text goes straight through, its figures come as a message or as its last line. */
function run(name) {
  const { args = [], takesOptions } = benches[name];
  const all = ['--expose-gc', here(`${name}.mjs`), ...args, ...(takesOptions ? passedOn : [])];
  return new Promise((done) => {
    const child = spawn(process.execPath, all, { stdio: ['ignore', 'pipe', 'inherit', 'ipc'] });
    let text = '';
    let published;
    child.stdout.on('data', (chunk) => {
      process.stdout.write(chunk);
      text += chunk;
    });
    child.on('message', (message) => {
      published = message;
    });
    child.on('close', (code) => {
      if (code !== 0) {
        console.log(`  ${name} ended with ${code}`);
        process.exitCode = 1;
      }
      done(published ?? lastLine(text));
    });
  });
}

function lastLine(text) {
  try {
    return JSON.parse(text.trimEnd().split('\n').at(-1) ?? '');
  } catch {
    return null;
  }
}

function usage(message) {
  console.error(message);
  process.exit(2);
}
