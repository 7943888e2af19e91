import type { z } from 'zod';

/**
 * What zod found wrong first, on one line: `cell: Invalid option (and 2 more)`. A hostile file can
 * have thousands of mistakes; one is enough to refuse it.
 */
export function firstIssue({ issues: [first, ...others] }: z.ZodError): string {
  const where = first && first.path.length > 0 ? `${first.path.join('.')}: ` : '';
  const more = others.length > 0 ? ` (and ${others.length} more)` : '';
  return `${where}${first?.message ?? 'invalid'}${more}`;
}
