/** Scopes: memory that is given back where a block of code ends. */
/// <reference lib="esnext.disposable" preserve="true" />
import { ScopeError } from '../errors.js';
import type { Heap, Storage } from './heap.js';

// Browsers from before 2025 do not have the symbol. Registered under the name that bundlers look
// for when they compile `using` down.
if (!Symbol.dispose) {
  Object.defineProperty(Symbol, 'dispose', { value: Symbol.for('Symbol.dispose') });
}

/** Something whose memory a scope can pass on: a tensor, or a tree of them. */
export type Keepable =
  | { readonly storage: Storage }
  | readonly Keepable[]
  | { readonly [name: string]: Keepable | undefined };

/**
 * Lexical memory: what is allocated while a scope is the innermost one is given back when it
 * closes, unless it was kept.
 *
 * ```ts
 * {
 *   using step = scope();
 *   const scores = affine(features, W, b);
 *   best = step.keep(argmax(scores)); // lives on in the enclosing scope
 * } // scores is gone
 * ```
 * Where the language has no `using` yet (JavaScript before Node 24), `step.close()` stands at the end.
 * Scopes nest strictly. Two async tasks that both hold one open must take turns.
 */
export class Scope implements Disposable {
  readonly #heap: Heap;
  readonly #scopes: Scope[];
  readonly #owned = new Set<Storage>();
  #open = true;

  /** Opened by `scope()`; `scopes` is the engine's stack of open scopes. */
  constructor(heap: Heap, scopes: Scope[]) {
    this.#heap = heap;
    this.#scopes = scopes;
    scopes.push(this);
  }

  /** The scope becomes the owner of a block. */
  own(storage: Storage): void {
    this.#owned.add(storage);
  }

  /** No longer the owner; the block is not given back. */
  disown(storage: Storage): boolean {
    return this.#owned.delete(storage);
  }

  /** Hands what `tree` holds to the enclosing scope (or to nobody: it then lives until disposed). */
  keep<T extends Keepable>(tree: T): T {
    const outer = this.#scopes[this.#scopes.indexOf(this) - 1];
    for (const storage of storages(tree)) {
      if (this.#owned.delete(storage)) outer?.own(storage);
    }
    return tree;
  }

  /** Gives back what `tree` holds before the scope closes; what the scope does not own stays. */
  release(tree: Keepable): void {
    for (const storage of storages(tree)) {
      if (this.#owned.delete(storage)) this.#heap.free(storage);
    }
  }

  /** As `close`: what `using` calls at the closing brace. */
  [Symbol.dispose](): void {
    this.close();
  }

  /**
   * Closes the scope and gives back what it owns; more than once does no harm.
   * @throws ScopeError when a scope that was opened later is still open.
   */
  close(): void {
    if (!this.#open) return;
    this.#open = false;
    const position = this.#scopes.indexOf(this);
    // A scope that lost its place because an outer one closed first has none to give up.
    const stillOpen = position < 0 ? 0 : this.#scopes.length - 1 - position;
    if (position >= 0) this.#scopes.splice(position);
    for (const storage of this.#owned) this.#heap.free(storage);
    this.#owned.clear();
    if (stillOpen > 0) {
      throw new ScopeError(
        `a scope closed while ${stillOpen} opened after it ${stillOpen === 1 ? 'was' : 'were'} still open: ` +
          'scopes nest, so async tasks that use them must run one after the other',
      );
    }
  }
}

function* storages(tree: Keepable): Generator<Storage> {
  if ('storage' in tree && typeof tree.storage === 'object' && 'retire' in tree.storage) {
    yield tree.storage as Storage;
  } else {
    for (const child of Object.values(tree)) if (child) yield* storages(child);
  }
}
