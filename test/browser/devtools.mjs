import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const flags = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--hide-scrollbars',
];

/**
 * A page in Chromium, driven through the DevTools protocol over pipes (no port, no package): real
 * keys and pointers, and a record of what the page logs and asks for.
 */
export async function openPage(browser, path, { width = 1280, height = 900 } = {}) {
  const profile = await mkdtemp(join(tmpdir(), 'glimpse-chromium-'));
  const child = spawn(
    browser,
    [...flags, `--user-data-dir=${profile}`, '--remote-debugging-pipe', 'about:blank'],
    { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'] },
  );
  const gone = new Promise((resolve) => child.once('exit', resolve));
  const [, , , toBrowser, fromBrowser] = child.stdio;
  const waiting = new Map();
  const listeners = new Map();
  const problems = [];
  const requests = [];
  let last = 0;
  let rest = '';
  let session;

  toBrowser.on('error', () => {});
  fromBrowser.setEncoding('utf8').on('data', (text) => {
    const messages = (rest + text).split('\0');
    rest = messages.pop();
    for (const message of messages) receive(JSON.parse(message));
  });
  gone.then(() => {
    for (const { reject } of waiting.values()) reject(new Error('Chromium has ended'));
  });

  function receive({ id, result, error, method, params }) {
    if (id !== undefined) {
      const { resolve, reject } = waiting.get(id);
      waiting.delete(id);
      if (error) reject(new Error(error.message));
      else resolve(result);
      return;
    }
    if (method === 'Runtime.exceptionThrown') {
      const { text, exception } = params.exceptionDetails;
      problems.push(exception?.description ?? text);
    } else if (method === 'Runtime.consoleAPICalled') {
      problems.push(params.args.map(({ value }) => value).join(' '));
    } else if (method === 'Log.entryAdded') {
      problems.push(params.entry.text);
    } else if (method === 'Network.requestWillBeSent') {
      requests.push(params.request.url);
    }
    listeners.get(method)?.(params);
  }

  function send(method, params = {}) {
    const id = ++last;
    return new Promise((resolve, reject) => {
      waiting.set(id, { resolve, reject });
      toBrowser.write(`${JSON.stringify({ id, method, params, sessionId: session })}\0`);
    });
  }

  async function close() {
    session = undefined;
    send('Browser.close').catch(() => {});
    const timer = setTimeout(() => child.kill('SIGKILL'), 5000);
    await gone;
    clearTimeout(timer);
    await rm(profile, { recursive: true, force: true, maxRetries: 5 });
  }

  try {
    const { targetInfos } = await send('Target.getTargets');
    const { targetId } = targetInfos.find(({ type }) => type === 'page');
    ({ sessionId: session } = await send('Target.attachToTarget', { targetId, flatten: true }));
    for (const domain of ['Page', 'Runtime', 'Log', 'Network']) await send(`${domain}.enable`);
    const page = {
      /** Exceptions, console messages and the browser's own complaints. */
      problems,
      /** Addresses that were asked for, `data:` ones among them. */
      requests,
      send,
      close,
      /** The value of an expression, awaited. */
      async evaluate(expression) {
        const { result, exceptionDetails } = await send('Runtime.evaluate', {
          expression,
          awaitPromise: true,
          returnByValue: true,
        });
        if (exceptionDetails) {
          throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
        }
        return result.value;
      },
      async key(key, modifiers = 0) {
        const code = key.length === 1 ? `Key${key.toUpperCase()}` : key;
        const text = key === 'Enter' ? '\r' : key.length === 1 ? key : undefined;
        const event = { key, code, modifiers, windowsVirtualKeyCode: virtualKeys[key] ?? 0 };
        await send('Input.dispatchKeyEvent', {
          type: text ? 'keyDown' : 'rawKeyDown',
          ...event,
          ...(text && { text }),
        });
        await send('Input.dispatchKeyEvent', { type: 'keyUp', ...event });
      },
      /** Moves the pointer to the middle of an element, after scrolling it into sight. */
      async point(selector) {
        const [x, y] = await page.evaluate(`(() => {
          const element = document.querySelector(${JSON.stringify(selector)});
          element.scrollIntoView({ block: 'center' });
          const { x, y, width, height } = element.getBoundingClientRect();
          return [x + width / 2, y + height / 2];
        })()`);
        await send('Input.dispatchMouseEvent', { type: 'mouseMoved', x, y });
        return { x, y };
      },
      async click(selector) {
        const at = { ...(await page.point(selector)), button: 'left', clickCount: 1 };
        await send('Input.dispatchMouseEvent', { type: 'mousePressed', ...at });
        await send('Input.dispatchMouseEvent', { type: 'mouseReleased', ...at });
      },
      /** `{ 'prefers-color-scheme': 'dark' }`, and `print` as medium. */
      media(features, media = '') {
        return send('Emulation.setEmulatedMedia', {
          media,
          features: Object.entries(features).map(([name, value]) => ({ name, value })),
        });
      },
      resize(width, height, mobile = false) {
        return send('Emulation.setDeviceMetricsOverride', {
          width,
          height,
          mobile,
          deviceScaleFactor: 1,
        });
      },
      async screenshot({ full = false } = {}) {
        const { data } = await send('Page.captureScreenshot', { captureBeyondViewport: full });
        return Buffer.from(data, 'base64');
      },
    };
    await page.resize(width, height);
    const loaded = new Promise((resolve) => listeners.set('Page.loadEventFired', resolve));
    const url = path.startsWith('http:') ? path : pathToFileURL(path).href;
    await send('Page.navigate', { url });
    await loaded;
    return page;
  } catch (error) {
    await close();
    throw error;
  }
}

const virtualKeys = {
  ArrowLeft: 37,
  ArrowRight: 39,
  Home: 36,
  End: 35,
  Escape: 27,
  Enter: 13,
  Tab: 9,
};
