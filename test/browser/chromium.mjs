import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import vm from 'node:vm';
import { bundle } from './bundle.mjs';
import { openPage } from './devtools.mjs';

export function findChromium() {
  return [process.env.CHROME, '/usr/bin/chromium', '/usr/bin/google-chrome'].find(
    (path) => path && existsSync(path),
  );
}

export async function runInChromium(browser) {
  const { code } = await bundle({ entry: fileURLToPath(new URL('entry.ts', import.meta.url)) });
  const folder = await mkdtemp(join(tmpdir(), 'glimpse-page-'));
  try {
    const page = join(folder, 'page.html');
    await writeFile(page, html(code));
    const { stdout } = await promisify(execFile)(
      browser,
      [
        '--headless',
        '--no-sandbox',
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
        `--user-data-dir=${join(folder, 'profile')}`,
        '--dump-dom',
        pathToFileURL(page).href,
      ],
      { timeout: 50_000, maxBuffer: 2 ** 26 },
    );
    const shown = stdout.match(/<pre>(.*?)<\/pre>/s)?.[1];
    if (!shown?.startsWith('{'))
      throw new Error(`the page says: ${shown ?? stdout.slice(0, 2000)}`);
    return { page: JSON.parse(shown), node: runHere(code) };
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** Two headers isolate a page: it may then share memory with its workers. */
const isolating = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
};

export async function runWithThreads(browser, isolated) {
  const { code } = await bundle({ entry: fileURLToPath(new URL('entry.ts', import.meta.url)) });
  const page = await openServedPage(browser, code, { headers: isolated ? isolating : {} });
  try {
    return await page.evaluate('glimpse.runWithThreads(3)');
  } finally {
    await page.close();
  }
}

export async function openServedPage(browser, code, { headers = {}, files = new Map() } = {}) {
  const server = createServer((request, response) => {
    if (request.url === '/') {
      response.writeHead(200, { 'Content-Type': 'text/html; charset=utf-8', ...headers });
      response.end(`<!doctype html><title>glimpse</title><script>${code}</script>`);
      return;
    }
    const bytes = files.get(request.url.slice(1));
    const [, from, to] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '') ?? [];
    if (!bytes) response.writeHead(404).end();
    else if (from === undefined) response.writeHead(200).end(bytes);
    else {
      const last = Math.min(to === '' ? Number.POSITIVE_INFINITY : Number(to), bytes.length - 1);
      response.writeHead(206, { 'Content-Range': `bytes ${from}-${last}/${bytes.length}` });
      response.end(bytes.subarray(Number(from), last + 1));
    }
  });
  await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
  const stop = async () => {
    server.closeAllConnections();
    await new Promise((closed) => server.close(closed));
  };
  try {
    const page = await openPage(browser, `http://127.0.0.1:${server.address().port}/`);
    return { ...page, close: () => page.close().finally(stop) };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** The same script in a bare context of this process. */
function runHere(code) {
  const context = vm.createContext({ atob, performance });
  return JSON.parse(vm.runInContext(`${code};JSON.stringify(glimpse.runLstm())`, context));
}

function html(code) {
  return `<!doctype html><meta charset="utf-8"><title>glimpse</title><pre></pre><script>
const show = (text) => { document.querySelector('pre').textContent = text; };
addEventListener('error', (event) => show(event.message));
</script><script>${code}</script><script>
try { show(JSON.stringify(glimpse.runLstm())); } catch (error) { show(String(error.stack)); }
</script>`;
}
