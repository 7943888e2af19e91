#!/usr/bin/env node
/**
 * The program `glimpse`: asks whether this Node will do before anything is loaded.
 *
 * An older one has to be able to read it: so it is written plainly, and imports nothing by itself.
 */

const version = process.versions.node;
const [major = 0, minor = 0] = version.split('.').map(Number);

if (major < 20 || (major === 20 && minor < 19)) {
  console.error(`glimpse needs Node 20.19 or newer; this is ${version}`);
  process.exitCode = 1;
} else {
  import('./glimpse.js');
}

export {};
