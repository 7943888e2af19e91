/** Lets signals, timers and a progress bar have their turn. */
export function turnOfTheLoop(): Promise<void> {
  return new Promise((resolve) => {
    if (typeof setImmediate === 'function') setImmediate(resolve);
    else setTimeout(resolve);
  });
}
