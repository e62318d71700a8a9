// The only hand-written file that knows Tauri: the generated commands and events in the shape the screens ask for.
import { commands, events, type ProtectBy, type Typed } from './bindings';
import { answer, type Guarding, type Ipc } from './index';
import { sealTyped } from './typed';

async function sealed(text: string): Promise<Typed> {
  return sealTyped(text, await answer(commands.typedKey()));
}

async function sealedGuard(by: Guarding): Promise<ProtectBy> {
  return by.by === 'keyring' ? by : { by: by.by, passphrase: await sealed(by.passphrase) };
}

export const tauriIpc: Ipc = {
  commands: {
    ...commands,
    unlock: async (passphrase) => commands.unlock(passphrase === null ? null : await sealed(passphrase)),
    protect: async (current, by) => commands.protect(current === null ? null : await sealed(current), await sealedGuard(by)),
    recoveryKeyNew: async (current) => commands.recoveryKeyNew(current === null ? null : await sealed(current)),
    repair: async (recoveryKey, by) => commands.repair(await sealed(recoveryKey), await sealedGuard(by)),
    copySecret: async (text) => commands.copySecret(await sealed(text)),
  },
  onChanged: (told) => events.changed.listen((event) => told(event.payload)),
  onSignIn: (told) => events.signIn.listen((event) => told(event.payload)),
  onImportOffered: (told) => events.importOffered.listen((event) => told(event.payload)),
  onOpenScreen: (told) => events.openScreen.listen((event) => told(event.payload)),
};
