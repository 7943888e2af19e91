/** Runs in the page: shows only right or only wrong captions. */

/** Runs in the page: lets the reader choose among right and wrong captions. */
export function chooseVerdict(): void {
  const buttons = document.querySelectorAll<HTMLButtonElement>('.filter button');
  for (const button of buttons) {
    button.addEventListener('click', () => {
      for (const other of buttons) other.setAttribute('aria-pressed', String(other === button));
      for (const card of document.querySelectorAll<HTMLElement>('[data-verdict]')) {
        card.hidden = button.value !== '' && card.dataset.verdict !== button.value;
      }
    });
  }
}
