import { existsSync } from 'node:fs';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { Engine } from '@/engine/engine.js';
import { platform as browser } from '@/engine/platform-browser.js';
import { platform } from '@/engine/platform-node.js';
import { UsageError } from '@/errors.js';

afterEach(() => {
  vi.unstubAllEnvs();
});

describe('GLIMPSE_BLAS', () => {
  test('off uses none, and the engine says so', () => {
    vi.stubEnv('GLIMPSE_BLAS', 'off');
    const found = platform.openBlas();
    expect(found).toEqual({ absent: 'GLIMPSE_BLAS=off' });
    if (!('absent' in found)) return;
    const engine = new Engine(found);
    expect(engine.productEngine).toBe('simd');
    expect(engine.blasAbsent).toBe('GLIMPSE_BLAS=off');
  });

  test('a path that is no library is a usage error that names it', () => {
    vi.stubEnv('GLIMPSE_BLAS', '/no/such/library.so');
    expect(() => platform.openBlas()).toThrow(UsageError);
    expect(() => platform.openBlas()).toThrow(/GLIMPSE_BLAS=\/no\/such\/library\.so: .*off, auto/);
  });

  test.skipIf(process.platform !== 'linux')('a library without products is one too', () => {
    vi.stubEnv('GLIMPSE_BLAS', 'libm.so.6');
    expect(() => platform.openBlas()).toThrow(/cblas_sgemm/);
  });

  test.each([undefined, 'auto'])('%s finds a library or says what was looked for', (choice) => {
    vi.stubEnv('GLIMPSE_BLAS', choice);
    const found = platform.openBlas();
    if ('absent' in found) {
      console.warn(`no BLAS to look at: ${found.absent}`);
      expect(found.absent).toMatch(/looked for|koffi/);
      return;
    }
    expect(found.name).not.toBe('');
    const threads = found.threads();
    expect(threads).toBeGreaterThanOrEqual(0);
    if (threads === 0) return;
    found.setThreads(1);
    expect(found.threads()).toBe(1);
    found.setThreads(threads);
    expect(found.threads()).toBe(threads);
  });

  test('the path of the library that auto finds opens the same one', () => {
    vi.stubEnv('GLIMPSE_BLAS', 'auto');
    const found = platform.openBlas();
    if ('absent' in found) return;
    vi.stubEnv('GLIMPSE_BLAS', found.path);
    const named = platform.openBlas();
    expect('absent' in named ? named.absent : named.name).toBe(found.name);
    expect(existsSync(found.path) || !found.path.includes('/')).toBe(true);
  });
});

test('a browser has none', () => {
  expect(browser.openBlas()).toEqual({ absent: 'a browser has no system BLAS' });
});
