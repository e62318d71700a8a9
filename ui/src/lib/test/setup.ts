// What jsdom lacks of a browser, and what each test leaves for the next: all files share one window and one copy of the modules.
import { afterEach, vi } from 'vitest';
import { cleanup, configure } from '@testing-library/svelte';
import { setNow } from '$lib/format';
import { speak } from '$lib/i18n';
import { wear } from '$lib/state/preferences';

// How long what is waited for may take on a busy machine.
configure({ asyncUtilTimeout: 20_000 });

// A dialog opens, and is closed by Escape.
HTMLDialogElement.prototype.showModal = function showModal(this: HTMLDialogElement) {
  this.setAttribute('open', '');
  this.addEventListener('keydown', (event) => {
    if (event.key === 'Escape') this.dispatchEvent(new Event('cancel', { cancelable: true }));
  });
};

Element.prototype.scrollIntoView = () => {};

afterEach(() => {
  cleanup();
  localStorage.clear();
  vi.useRealTimers();
  setNow(() => new Date());
  speak(['en-US']);
  wear('system');
});
