// The closing line of .ci/run, from what vitest counted: node .ci/totals.mjs <its JSON reports>.
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';

const total = { passed: 0, failed: 0, skipped: 0 };
for (const path of process.argv.slice(2)) {
  const report = JSON.parse(readFileSync(path, 'utf8'));
  // A file that could not even be loaded has no tests to count, but it has failed.
  const broken = report.testResults.filter(
    ({ status, assertionResults }) => status === 'failed' && assertionResults.length === 0,
  ).length;
  const failed = report.numFailedTests + broken;
  total.passed += report.numPassedTests;
  total.failed += failed;
  total.skipped += report.numPendingTests + report.numTodoTests;
  if (report.numPassedTests > 0 && failed === 0 && report.success) continue;
  process.exitCode = 1;
  console.log(
    `in the world "${basename(path, '.json')}": ${report.numPassedTests} passed, ${failed} failed`,
  );
  for (const { name, status, assertionResults } of report.testResults) {
    if (status === 'failed' && assertionResults.length === 0) console.log(`  ${name}`);
    for (const one of assertionResults)
      if (one.status === 'failed') console.log(`  ${one.fullName}`);
  }
}
const { passed, failed, skipped } = total;
console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
