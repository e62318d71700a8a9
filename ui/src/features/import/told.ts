// What the reader of a file says of it. Its own words are English: those known here are told in the person's language, and
// any other stays as it is.
import type { Messages } from '$lib/i18n';

type Told = Messages['import']['told'];

const FIXED: readonly (readonly [string, keyof Told['fixed']])[] = [
  ['it has no date', 'noDate'],
  ['its date does not exist', 'badDate'],
  ['it has no amount', 'noAmount'],
  ['its amount is not a plain decimal number', 'badAmount'],
  ['its amount is out of range', 'hugeAmount'],
  ['it stands in no statement, so its account is not known', 'noStatement'],
  ['the file ends within it', 'cut'],
  ['the file does not say in which currency its amounts are; say it when importing', 'noCurrency'],
  ['The file holds investments; only its cash lines are read.', 'investments'],
  ['The file holds no statement.', 'empty'],
];

const WITH_VALUES: readonly (readonly [RegExp, (words: Told, found: readonly string[]) => string])[] = [
  [/^its amount has more than (\d+) decimals$/, (words, [n = '']) => words.decimals(Number(n))],
  [/^its amount is in (\w+), the account's currency is (\w+)$/, (words, [one = '', other = '']) => words.currencies(one, other)],
  [/^the statement that begins here is left out with (\d+) lines: (.*)$/, (words, [n = '', why = '']) => words.leftOut(Number(n), toldOf(why, words))],
  [/^the file names the currency "(.*)", which is not known here$/, (words, [code = '']) => words.unknownCurrency(code)],
  [/^Only the first (\d+) statements were taken\.$/, (words, [n = '']) => words.firstStatements(Number(n))],
  [/^The issuer left a part out, with its error (\d+)\.$/, (words, [code = '']) => words.issuerError(code)],
  [/^The file is cut: it ends at line (\d+), before its own end\. Download it again\.$/, (words, [n = '']) => words.cutAt(Number(n))],
  [/^(\d+) more lines were rejected\.$/, (words, [n = '']) => words.more(Number(n))],
  [/^A statement names no currency; (\w+) is used, since its first line names it\.$/, (words, [code = '']) => words.currencyOfLine(code)],
  [/^A statement names no currency; (\w+) is used, since it was taken as the default\.$/, (words, [code = '']) => words.currencyByDefault(code)],
  [/^The statement at line (\d+) has no account number\.$/, (words, [n = '']) => words.noNumber(Number(n))],
  [/^The card's figures of the statement at line (\d+) have no closing date\.$/, (words, [n = '']) => words.noClosing(Number(n))],
];

export function told(text: string, messages: Messages): string {
  return toldOf(text, messages.import.told);
}

function toldOf(text: string, words: Told): string {
  const fixed = FIXED.find(([english]) => english === text);
  if (fixed) return words.fixed[fixed[1]];
  for (const [pattern, say] of WITH_VALUES) {
    const found = pattern.exec(text);
    if (found) return say(words, found.slice(1));
  }
  // A line may be wrong in two ways.
  const [one, other] = text.split('; ');
  return one && other ? `${toldOf(one, words)}; ${toldOf(other, words)}` : text;
}
