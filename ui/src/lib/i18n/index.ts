// The words of the screens. Nothing else holds words that people read.
import { setLocale } from '$lib/format/locale';
import type { CommandError, Language } from '$lib/ipc/bindings';
import { de } from './de';
import { en, type Messages } from './en';
import { es } from './es';
import { withSingleStops } from './stops';

export { sentences } from './stops';
export type { Messages };

const languages: Record<Language, { messages: Messages; region: string }> = {
  en: { messages: withSingleStops(en), region: 'en-US' },
  es: { messages: withSingleStops(es), region: 'es-ES' },
  de: { messages: withSingleStops(de), region: 'de-DE' },
};

let current: Messages = languages.en.messages;
let language: Language = 'en';

/** Takes the first language we have words in; figures follow the region that was named with it. */
export function speak(wanted: readonly string[]): string {
  for (const tag of wanted) {
    const name = tag.split('-')[0] ?? '';
    if (!isLanguage(name)) continue;
    const found = languages[name];
    language = name;
    current = found.messages;
    setLocale(tag.includes('-') ? tag : found.region);
    return language;
  }
  language = 'en';
  current = languages.en.messages;
  setLocale('en-US');
  return language;
}

function isLanguage(name: string): name is Language {
  return name in languages;
}

/** The language of the words, for who writes to the person elsewhere. */
export function getLanguage(): Language {
  return language;
}

export function getMessages(): Messages {
  return current;
}

/** What happened and what to do, in the person's words; a code we have none for keeps the shell's. */
export function explain(reason: CommandError): { title: string; next: string } {
  const [title, next = ''] = (current.errors as Record<string, readonly string[]>)[reason.code] ?? [];
  if (title) return { title, next };
  return { title: sentence(reason.message) || current.problem.unknown, next: sentence(reason.next) };
}

function sentence(text: string): string {
  return text === '' ? '' : `${text.charAt(0).toUpperCase()}${text.slice(1).replace(/\.$/, '')}.`;
}
