// What CHANGELOG.md says about one version, for the text of its release:
//
//   node tools/changelog-section.mjs <version> [changelog]
//
// Fails where the file has no section of that version, or an empty one.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const [version, path = fileURLToPath(new URL('../CHANGELOG.md', import.meta.url))] =
  process.argv.slice(2);
if (version === undefined) fail('which version?', 2);

const lines = readFileSync(path, 'utf8').split(/\r?\n/);
const start = lines.findIndex((line) => versionOf(line) === version);
if (start < 0) fail(`${path} has no section "## [${version}]"`);
const rest = lines.slice(start + 1);
const end = rest.findIndex((line) => versionOf(line) !== undefined);
// Under the last section stand the addresses of all headings.
const section = rest
  .slice(0, end < 0 ? rest.length : end)
  .join('\n')
  .replace(/(\n\[[^\]]+\]: .*|\n\s*)+$/, '');
if (!/^(?!#).*\w/m.test(section)) fail(`${path} says nothing in its section "## [${version}]"`);
console.log(section.trim());

/** The version that a heading begins the section of: `## [0.2.0] - 2026-12-01`. */
function versionOf(line) {
  return /^## \[?([^\]\s]+)\]?/.exec(line)?.[1];
}

function fail(message, code = 1) {
  console.error(`changelog-section: ${message}`);
  process.exit(code);
}
