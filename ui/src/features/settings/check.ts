// What a line of the self-check found, in words.
import { formatFullDay, formatMoment } from '$lib/format';
import { explain, type Messages } from '$lib/i18n';
import type { CheckLine } from '$lib/ipc/bindings';

export function foundText({ found, good }: CheckLine, messages: Messages): string {
  const words = messages.settings.checkFound;
  switch (found.what) {
    case 'version':
      return messages.settings.version(found.version);
    case 'program':
      return words.program(found.name);
    case 'silent':
      return words.silent;
    case 'none_yet':
      return words.noneYet;
    case 'not_asked':
      return words.notAsked;
    case 'server':
      return words.server(found.url ?? messages.app.thisComputer, found.asked);
    case 'server_refused':
      return `${found.url ?? messages.app.thisComputer}: ${refusedText(found.code, found.message)}`;
    case 'copy_locked':
      return words.copyLocked;
    case 'copy':
      return words.copy(found.accounts);
    case 'clock':
      // With its year: a clock that is wrong is often wrong by years.
      return formatMoment(found.at, '');
    case 'holidays':
      return [words.holidays(found.until ? formatFullDay(found.until) : null), good ? '' : words.holidaysEnd].filter(Boolean).join(' ');
    case 'billers':
      return words.billers(found.billers, found.version);
    case 'billers_refused':
      return `${words.billersRefused[found.why]} ${words.billersStay(found.version)}`;
    case 'refused':
      return found.code === null ? found.message : refusedText(found.code, found.message);
  }
}

function refusedText(code: string, message: string): string {
  const { title, next } = explain({ code, message, next: '' });
  return [title, next].filter(Boolean).join(' ');
}
