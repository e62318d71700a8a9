// Coarse places: a town as its database names it, a country in the person's language.
import { locale } from './locale';

/** "Lisbon, Portugal", "Portugal". A code that names no country stands as it is. */
export function formatPlace(place: { country: string; city: string | null }): string {
  const country = /^[A-Z]{2}$/.test(place.country) ? (new Intl.DisplayNames(locale(), { type: 'region' }).of(place.country) ?? place.country) : place.country;
  return place.city ? `${place.city}, ${country}` : country;
}
