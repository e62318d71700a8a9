// How the person writes numbers and dates. Words follow the language (lib/i18n), figures the region.
let current = 'en-US';

export function locale(): string {
  return current;
}

export function setLocale(tag: string): void {
  current = tag;
}
