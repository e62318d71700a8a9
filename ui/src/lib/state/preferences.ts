// What this window alone remembers: its language and whether letters do things in lists. Never anything of the account.
import type { Theme } from '$lib/ipc/bindings';

export type Language = 'system' | 'en' | 'es' | 'de';

const LANGUAGE = 'billfold.language';
const LETTERS = 'billfold.letters';

export function language(): Language {
  const kept = read(LANGUAGE);
  return kept === 'en' || kept === 'es' || kept === 'de' ? kept : 'system';
}

export function keepLanguage(wanted: Language): void {
  write(LANGUAGE, wanted);
}

export function letters(): boolean {
  return read(LETTERS) !== 'off';
}

export function keepLetters(on: boolean): void {
  write(LETTERS, on ? 'on' : 'off');
}

/** Puts on light or dark; the system's own choice needs no mark. */
export function wear(theme: Theme): void {
  if (theme === 'system') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
}

// A web view may refuse storage; then the defaults hold.
function read(key: string): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

function write(key: string, value: string): void {
  try {
    localStorage.setItem(key, value);
  } catch {
    // Nothing to do: the choice holds until the window closes.
  }
}
