// The only hand-written file that knows Tauri: the generated commands and events in the shape the screens ask for.
import { commands, events } from './bindings';
import type { Ipc } from './index';

export const tauriIpc: Ipc = {
  commands,
  onChanged: (told) => events.changed.listen((event) => told(event.payload)),
  onSignIn: (told) => events.signIn.listen((event) => told(event.payload)),
  onImportOffered: (told) => events.importOffered.listen((event) => told(event.payload)),
  onOpenScreen: (told) => events.openScreen.listen((event) => told(event.payload)),
};
