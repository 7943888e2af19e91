// Writes docs/flags.md out of the schemas of all kinds of models; with --check says whether it is up to date.
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { captionFlags } from '../dist/cli/caption.js';
import { classifyFlags } from '../dist/cli/classify.js';
import { flagsOf } from '../dist/cli/flags.js';
import { generateSchema } from '../dist/cli/generate.js';
import { reconstructSchema } from '../dist/cli/reconstruct.js';
import { kinds } from '../dist/tasks/index.js';

const path = fileURLToPath(new URL('../docs/flags.md', import.meta.url));

/** One row a flag: how it is called, its default, what it means and may be. */
function table(schema) {
  const rows = flagsOf(schema).map(({ option: { flags, negate, description, ...option } }) => {
    const byDefault = negate ? 'on' : (option.defaultValueDescription ?? '');
    const choices = option.argChoices ? `; one of ${option.argChoices.join(', ')}` : '';
    return `| \`${flags}\` | ${byDefault} | ${description}${choices} |`;
  });
  return ['| flag | default | meaning |', '| --- | --- | --- |', ...rows].join('\n');
}

const pages = kinds.map((entry) => {
  const { kind, schemas, reporter, generation, reconstruction } = entry;
  const classify = classifyFlags(entry);
  const caption = captionFlags(entry);
  return [
    `## glimpse train ${kind}`,
    'The model:',
    table(schemas.config),
    'How it is trained:',
    table(schemas.recipe),
    'Where data lie and how they reach it:',
    table(schemas.options),
    `## glimpse evaluate, of a ${kind}`,
    table(schemas.evaluation),
    ...(reporter ? [`## glimpse report, of a ${kind}`, table(reporter.options)] : []),
    ...(caption ? [`## glimpse caption, of a ${kind}`, table(caption)] : []),
    ...(classify ? [`## glimpse classify, of a ${kind}`, table(classify)] : []),
    ...(generation ? [`## glimpse generate, of a ${kind}`, table(generation.options)] : []),
    ...(reconstruction
      ? [`## glimpse reconstruct, of a ${kind}`, table(reconstruction.options)]
      : []),
  ].join('\n\n');
});
const commands = [
  '## glimpse generate, of any kind',
  table(generateSchema),
  '## glimpse reconstruct, of any kind',
  table(reconstructSchema),
].join('\n\n');
const text = `# Flags

Made of the schemas by \`npm run docs:flags\`. \`--out\`, \`--from\`, \`--resume\`, \`--overwrite\`, \`--log\` and
\`--json\` are those of every run: see [training.md](training.md). In the library the names are those of the
flags without hyphens: \`--batch-size\` is \`batchSize\` of a recipe.

${pages.join('\n\n')}

${commands}
`;

if (!process.argv.includes('--check')) writeFileSync(path, text);
else if (readFileSync(path, 'utf8') !== text) {
  console.error('docs/flags.md is not what the schemas say: npm run build && npm run docs:flags');
  process.exitCode = 1;
}
