// The closing line of .ci/run, from what vitest counted: node .ci/totals.mjs <its JSON report>.
import { readFileSync } from 'node:fs';

const [, , path] = process.argv;
const report = JSON.parse(readFileSync(path, 'utf8'));
// A file that could not even be loaded has no tests to count, but it has failed.
const broken = report.testResults.filter(
  ({ status, assertionResults }) => status === 'failed' && assertionResults.length === 0,
).length;
const skipped = report.numPendingTests + report.numTodoTests;
const failed = report.numFailedTests + broken;
console.log(
  `${report.numPassedTests} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`,
);
if (report.numPassedTests === 0 || failed > 0 || !report.success) process.exitCode = 1;
