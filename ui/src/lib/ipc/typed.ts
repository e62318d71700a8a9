// What a person types to open or to protect the copy is sealed before it leaves the page: what carries it to the shell
// keeps copies that nobody can wipe. The keys made here go with the page, which goes with the lock.
import type { Typed } from './bindings';

const CURVE = { name: 'ECDH', namedCurve: 'P-256' };
const PURPOSE = 'billfold typed';

/** Seals a text to a key of the shell that opens this one and no other. */
export async function sealTyped(text: string, key: string): Promise<Typed> {
  const { subtle } = crypto;
  const signs = new TextEncoder();
  const mine = await subtle.generateKey(CURVE, false, ['deriveBits']);
  const theirs = await subtle.importKey('raw', bytesOf(key), CURVE, false, []);
  const shared = await subtle.importKey('raw', await subtle.deriveBits({ name: 'ECDH', public: theirs }, mine.privateKey, 256), 'HKDF', false, ['deriveKey']);
  const how = { name: 'HKDF', hash: 'SHA-256', salt: signs.encode(key), info: signs.encode(PURPOSE) };
  const once = await subtle.deriveKey(how, shared, { name: 'AES-GCM', length: 256 }, false, ['encrypt']);
  // The key seals this text alone, so that it needs no other number.
  const sealed = await subtle.encrypt({ name: 'AES-GCM', iv: new Uint8Array(12) }, once, signs.encode(text));
  return { key, by: textOf(await subtle.exportKey('raw', mine.publicKey)), sealed: textOf(sealed) };
}

function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(text), (sign) => sign.charCodeAt(0));
}

function textOf(bytes: ArrayBuffer): string {
  return btoa(String.fromCharCode(...new Uint8Array(bytes)));
}
