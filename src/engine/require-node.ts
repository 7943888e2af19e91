/** Node's `require`, for packages that are looked for when they are needed, and may be absent. */
import { createRequire } from 'node:module';
import { join } from 'node:path';

/**
 * Made when it is asked for: a module that is bundled as CommonJS has no address of its own, and is then
 * looked from as where it lies, or from the working folder.
 */
export function nodeRequire(): NodeJS.Require {
  const address: string | undefined = import.meta.url;
  const here = typeof __filename === 'string' ? __filename : join(process.cwd(), 'index.js');
  return createRequire(address ?? here);
}
