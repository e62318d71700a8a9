// Which key does what, everywhere. Plain letters are left to the lists.
export type KeyCommand = { do: 'palette' | 'place' | 'add' | 'import' | 'sync' | 'lock' | 'settings' | 'help' | 'region' | 'freeze'; at?: number };

const withControl: Record<string, KeyCommand> = {
  k: { do: 'palette' },
  f: { do: 'palette' },
  n: { do: 'add' },
  o: { do: 'import' },
  r: { do: 'sync' },
  l: { do: 'lock' },
  ',': { do: 'settings' },
};

const alone: Record<string, KeyCommand> = { F1: { do: 'help' }, F5: { do: 'sync' }, '/': { do: 'palette' } };

/** What a key means now, or nothing. While a dialog is open only locking works. */
export function commandOf(event: KeyboardEvent, dialogOpen: boolean): KeyCommand | null {
  const command = found(event);
  if (command && dialogOpen && command.do !== 'lock') return null;
  return command;
}

function found(event: KeyboardEvent): KeyCommand | null {
  if (event.altKey) return null;
  if (event.key === 'F6') return { do: 'region', at: event.shiftKey ? -1 : 1 };
  // On many keyboards this key is Shift and 7.
  if (event.key === '/' && !event.ctrlKey && !event.metaKey) return isTyping(event.target) ? null : (alone['/'] ?? null);
  if (event.shiftKey) return (event.ctrlKey || event.metaKey) && event.key.toLowerCase() === 'f' ? { do: 'freeze' } : null;
  if (event.ctrlKey || event.metaKey) {
    if (/^[1-9]$/.test(event.key)) return { do: 'place', at: Number(event.key) - 1 };
    return withControl[event.key.toLowerCase()] ?? null;
  }
  return alone[event.key] ?? null;
}

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || ['INPUT', 'TEXTAREA', 'SELECT'].includes(target.tagName));
}

/** Closing and quitting work everywhere, also before somebody signed in and while it is locked. */
export function windowKeyOf(event: KeyboardEvent): 'close' | 'quit' | null {
  if (event.altKey || event.shiftKey || !(event.ctrlKey || event.metaKey)) return null;
  const key = event.key.toLowerCase();
  return key === 'w' ? 'close' : key === 'q' ? 'quit' : null;
}

/** "Ctrl" is "Cmd" on macOS. */
export function controlKey(): string {
  return /mac/i.test(navigator.platform) ? '⌘' : 'Ctrl';
}
