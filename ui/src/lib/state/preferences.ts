// What this window alone remembers: its language, whether letters do things in lists, and the theme for as long as the
// settings cannot be read. Never anything else of the account.
import type { Theme } from '$lib/ipc/bindings';

export type Language = 'system' | 'en' | 'es' | 'de';

const LANGUAGE = 'billfold.language';
const LETTERS = 'billfold.letters';
const THEME = 'billfold.theme';

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

/** What was worn last, for a window that is still locked. */
export function theme(): Theme {
  const kept = read(THEME);
  return kept === 'light' || kept === 'dark' ? kept : 'system';
}

export function keepTheme(wanted: Theme): void {
  write(THEME, wanted);
  wear(wanted);
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
