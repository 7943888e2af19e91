// What the benches share: rounds of child processes, medians, tables.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { availableParallelism, cpus, loadavg } from 'node:os';
import { fileURLToPath } from 'node:url';

/** Absolute path of a file beside this one. */
export const here = (path) => fileURLToPath(new URL(path, import.meta.url));

/** The Python with numpy and torch: PYTHON, or Debian's own before another one in the PATH. */
export const python =
  process.env.PYTHON ?? (existsSync('/usr/bin/python3') ? '/usr/bin/python3' : 'python3');

/** `--name value` of the command line as a number. */
export function numberOption(name, otherwise) {
  const at = process.argv.indexOf(`--${name}`);
  if (at < 0) return otherwise;
  const value = Number(process.argv[at + 1]);
  if (!Number.isInteger(value) || value < 1) {
    console.error(`--${name} takes a positive integer, not ${process.argv[at + 1]}`);
    process.exit(2);
  }
  return value;
}

/** The one of `words` that `--name` chooses; all of them without it. */
export function wordOption(name, words) {
  const at = process.argv.indexOf(`--${name}`);
  if (at < 0) return words;
  const word = process.argv[at + 1];
  if (words.includes(word)) return [word];
  console.error(`--${name} takes one of ${words.join(', ')}, not ${word}`);
  process.exit(2);
}

/** Runs `work` in a scope of its own: `using`, for a Node that cannot parse it. */
export function inScope(scope, work) {
  const opened = scope();
  try {
    return work(opened);
  } finally {
    opened[Symbol.dispose]();
  }
}

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/**
 * Runs a program that prints one line of JSON and returns what it says, or `{ skipped: reason }`.
 * `environment` is laid over this process's own; undefined removes a variable.
 */
export function runForJson(program, args, environment = {}) {
  const env = { ...process.env, ...environment };
  for (const name of Object.keys(env)) if (env[name] === undefined) delete env[name];
  return new Promise((resolve) => {
    const child = spawn(program, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
    let [out, err] = ['', ''];
    child.stdout.on('data', (chunk) => {
      out += chunk;
    });
    child.stderr.on('data', (chunk) => {
      err += chunk;
    });
    child.on('error', (error) => resolve({ skipped: `${program}: ${error.message}` }));
    child.on('close', (code) => {
      if (code === 0) resolve(JSON.parse(out));
      else resolve({ skipped: reasonIn(err) ?? `${program} ended with ${code}` });
    });
  });
}

/** The line of a stack trace that says what happened. */
function reasonIn(text) {
  const lines = text.trim().split('\n');
  return lines.filter((line) => /error/i.test(line)).at(-1) ?? lines.at(-1);
}

/** Rows of cells as aligned text; the first column to the left, the others to the right. */
export function table(header, rows) {
  const all = [header, ...rows].map((row) => row.map(String));
  const widths = header.map((_, column) => Math.max(...all.map((row) => row[column].length)));
  const line = (row) =>
    row
      .map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i])))
      .join('  ')
      .trimEnd();
  return [line(all[0]), widths.map((w) => '-'.repeat(w)).join('  '), ...all.slice(1).map(line)]
    .map((text) => `  ${text}`)
    .join('\n');
}

/** The machine, and how busy it is: a load above 0 before the start is somebody else's. */
export function machine() {
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    node: process.version,
    load: Number(loadavg()[0].toFixed(2)),
    date: new Date().toISOString(),
  };
}

/** Hands a bench's figures to `run.mjs`, which may write them to a file. */
export function publish(figures) {
  process.send?.(figures);
}
