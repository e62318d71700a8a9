// An archive of everything as it comes back, on invented data.
import type { ImportReport } from '../bindings';

export function archiveReport(): ImportReport {
  return {
    format: 'Billfold archive',
    new: 379,
    known: 12,
    replaced: 0,
    rejected: [],
    accounts: [],
    account_names: [],
    lines: [],
    settles: [],
    warnings: [],
    archive: {
      made_at: '2026-11-01T13:05:00Z',
      server: 'Alder Lane Household',
      parts: [
        { what: 'accounts', new: 1, known: 1 },
        { what: 'lines', new: 340, known: 2 },
        { what: 'billers', new: 2, known: 0 },
        { what: 'bills', new: 11, known: 3 },
        { what: 'marks', new: 21, known: 6 },
        { what: 'incomes', new: 1, known: 0 },
        { what: 'plan', new: 1, known: 0 },
        { what: 'suggestions', new: 2, known: 0 },
      ],
      history: 48,
      under_way: 1,
      without_biller: 2,
    },
    preview: true,
  };
}
