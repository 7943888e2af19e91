/** Somebody at a page: what the tests do and see. */
export interface Page {
  /** Exceptions, console messages and the browser's own complaints. */
  readonly problems: readonly string[];
  /** Addresses that were asked for, `data:` ones among them. */
  readonly requests: readonly string[];
  /** A command of the DevTools protocol. */
  send(method: string, params?: object): Promise<unknown>;
  /** The value of an expression in the page, awaited; what is no JSON is lost. */
  evaluate(expression: string): Promise<unknown>;
  /** Presses a key; modifiers 1 Alt, 2 Ctrl, 4 Meta, 8 Shift. */
  key(key: string, modifiers?: number): Promise<void>;
  /** Moves the pointer to the middle of an element, after scrolling it into sight. */
  point(selector: string): Promise<{ x: number; y: number }>;
  click(selector: string): Promise<void>;
  /** Media features such as `{ 'prefers-color-scheme': 'dark' }`, and `print` as medium. */
  media(features: Readonly<Record<string, string>>, medium?: string): Promise<unknown>;
  resize(width: number, height: number, mobile?: boolean): Promise<unknown>;
  /** A PNG file; `full` is the whole page and not only what is in sight. */
  screenshot(options?: { full?: boolean }): Promise<Buffer>;
  close(): Promise<void>;
}

/** Opens a file (or an `http:` address) in a Chromium of its own, with a profile that is thrown away. */
export function openPage(
  browser: string,
  path: string,
  size?: { width?: number; height?: number },
): Promise<Page>;
