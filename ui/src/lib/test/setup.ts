// What jsdom lacks of a browser: a dialog that opens, and is closed by Escape.
import { afterEach } from 'vitest';
import { cleanup, configure } from '@testing-library/svelte';
import { setNow } from '$lib/format';

// How long what is waited for may take on a busy machine.
configure({ asyncUtilTimeout: 20_000 });

HTMLDialogElement.prototype.showModal = function showModal(this: HTMLDialogElement) {
  this.setAttribute('open', '');
  this.addEventListener('keydown', (event) => {
    if (event.key === 'Escape') this.dispatchEvent(new Event('cancel', { cancelable: true }));
  });
};

afterEach(() => {
  cleanup();
  localStorage.clear();
  setNow(() => new Date());
});
