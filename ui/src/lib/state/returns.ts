// What a bank's code for a return means. The codes are Nacha's and those of ISO 20022, sorted as the core sorts them.

export type ReturnClass = 'retry' | 'fix_details' | 'stop' | 'duplicate' | 'person';

const CODES: Record<Exclude<ReturnClass, 'person'>, readonly string[]> = {
  retry: ['R01', 'R09', 'AM04'],
  fix_details: ['R02', 'R03', 'R04', 'R13', 'R20', 'R28', 'AC01', 'AC04', 'RC01'],
  stop: ['R05', 'R07', 'R08', 'R10', 'R11', 'R29', 'MD01', 'MS02'],
  duplicate: ['R24', 'AM05'],
};

/** Codes of banks are in capitals, those of the server never are. */
const OF_A_BANK = /^(?:R\d\d|[A-Z]{2}\d\d|[A-Z]{4})$/;

/** Absent: it is no code of a bank. One that is not known goes to a person. */
export function returnClassOf(code: string): ReturnClass | null {
  if (!OF_A_BANK.test(code)) return null;
  const found = Object.entries(CODES).find(([, codes]) => codes.includes(code));
  return (found?.[0] as ReturnClass | undefined) ?? 'person';
}
