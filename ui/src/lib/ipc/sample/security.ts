// What happened to the ways into the invented account.
import type { SecurityEvent, SecurityEventKind } from '../bindings';

const entries: [SecurityEventKind, string, string | null, string | null][] = [
  ['account_created', '2026-03-02T09:00:00Z', null, null],
  ['passkey_added', '2026-03-02T09:00:10Z', null, null],
  ['device_added', '2026-03-02T09:01:00Z', 'device-1', 'Alder, desk'],
  ['passkey_added', '2026-03-02T09:04:00Z', null, 'Blue security key'],
  ['signed_in', '2026-11-10T18:04:00Z', 'device-1', 'Alder, desk'],
  ['device_added', '2026-11-12T08:12:00Z', 'device-3', 'Fedora laptop'],
];

export function startingEvents(): SecurityEvent[] {
  return entries.map(([kind, at, device, name], index) => ({ number: index + 1, at, kind, by: device, device, name, about: null, hash: String(index + 1).padStart(64, '0') }));
}
