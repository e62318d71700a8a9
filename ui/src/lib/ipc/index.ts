// What the screens may ask of the shell. Everything crosses here and nothing else knows how.
import type { commands, Changed, CommandError, ImportOffered, OpenScreen, SignIn, Started } from './bindings';

/** What stands guard, with what was typed for it. */
export type Guarding = { by: 'keyring' } | { by: 'keyring_and_passphrase' | 'passphrase'; passphrase: string };

/** What is typed to open or to protect the copy, or shown to be kept, is plain for the screens and sealed where it crosses. */
type Typing = {
  unlock: (passphrase: string | null) => Promise<Result<null>>;
  protect: (current: string | null, by: Guarding) => Promise<Result<null>>;
  recoveryKeyNew: (current: string | null) => Promise<Result<Started>>;
  repair: (recoveryKey: string, by: Guarding) => Promise<Result<null>>;
  copySecret: (text: string) => Promise<Result<null>>;
};

export type Commands = Omit<typeof commands, keyof Typing | 'typedKey'> & Typing;
export type Stop = () => void;

export interface Ipc {
  commands: Commands;
  onChanged(told: (version: Changed) => void): Promise<Stop>;
  onSignIn(told: (end: SignIn) => void): Promise<Stop>;
  onImportOffered(told: (offer: ImportOffered) => void): Promise<Stop>;
  onOpenScreen(told: (path: OpenScreen) => void): Promise<Stop>;
}

type Result<T> = { status: 'ok'; data: T } | { status: 'error'; error: CommandError };

/** A command that was refused, with the shell's reason. */
export class Refusal extends Error {
  constructor(readonly reason: CommandError) {
    super(reason.message);
    this.name = 'Refusal';
  }
}

/** The answer itself; a refusal is thrown. */
export async function answer<T>(asked: Promise<Result<T>>): Promise<T> {
  const result = await asked;
  if (result.status === 'error') throw new Refusal(result.error);
  return result.data;
}

/** What went wrong as a reason that can be shown, whatever was thrown. */
/** A new id (UUIDv7, RFC 9562) of what is sent once however often it is pressed. */
export function newId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  const view = new DataView(bytes.buffer);
  view.setUint16(0, Math.floor(Date.now() / 2 ** 32));
  view.setUint32(2, Date.now() % 2 ** 32);
  view.setUint8(6, 0x70 | (view.getUint8(6) & 0x0f));
  view.setUint8(8, 0x80 | (view.getUint8(8) & 0x3f));
  const text = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
  return text.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

export function reasonOf(thrown: unknown): CommandError {
  if (thrown instanceof Refusal) return thrown.reason;
  return { code: 'window_failed', message: '', next: '' };
}

/** The shell; in a browser without one, an invented world. The invented one is in no shipped build. */
export async function loadIpc(): Promise<Ipc> {
  if (import.meta.env.DEV || import.meta.env.MODE === 'sample') {
    if (!('__TAURI_INTERNALS__' in window)) return (await import('./sample')).sampleIpc(window.location.search);
  }
  return (await import('./tauri')).tauriIpc;
}
