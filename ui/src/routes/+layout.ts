// The window is one page drawn by script; the shell answers every path with it.
import { speak } from '$lib/i18n';
import { loadIpc } from '$lib/ipc';
import { language } from '$lib/state/preferences';
import type { LayoutLoad } from './$types';

export const ssr = false;
export const prerender = false;

export const load: LayoutLoad = async () => {
  const chosen = language();
  document.documentElement.lang = speak(chosen === 'system' ? navigator.languages : [chosen, ...navigator.languages]);
  const ipc = await loadIpc();
  // What speaks outside the window, also while it is closed, speaks as the window does.
  void ipc.commands.languageSet(chosen === 'system' ? null : chosen);
  return { ipc };
};
