import { describe, expect, it } from 'vitest';
import { sealTyped } from './typed';

const { subtle } = crypto;
const CURVE = { name: 'ECDH', namedCurve: 'P-256' };
const bytes = (text: string) => Uint8Array.from(Buffer.from(text, 'base64'));

/** As the shell does, with its own key. */
async function shell() {
  const mine = await subtle.generateKey(CURVE, false, ['deriveBits']);
  const key = Buffer.from(await subtle.exportKey('raw', mine.publicKey)).toString('base64');
  const open = async (typed: { by: string; sealed: string }) => {
    const theirs = await subtle.importKey('raw', bytes(typed.by), CURVE, false, []);
    const shared = await subtle.importKey('raw', await subtle.deriveBits({ name: 'ECDH', public: theirs }, mine.privateKey, 256), 'HKDF', false, ['deriveKey']);
    const how = { name: 'HKDF', hash: 'SHA-256', salt: new TextEncoder().encode(key), info: new TextEncoder().encode('billfold typed') };
    const once = await subtle.deriveKey(how, shared, { name: 'AES-GCM', length: 256 }, false, ['decrypt']);
    return new TextDecoder().decode(await subtle.decrypt({ name: 'AES-GCM', iv: new Uint8Array(12) }, once, bytes(typed.sealed)));
  };
  return { key, open };
}

describe('What was typed', () => {
  it('crosses sealed to the key of the shell, which opens it', async () => {
    const one = await shell();
    const typed = await sealTyped('sieben stille Otter an der Mühle', one.key);
    expect(typed.key).toBe(one.key);
    expect(JSON.stringify(typed)).not.toContain('Otter');
    expect(await one.open(typed)).toBe('sieben stille Otter an der Mühle');
    await expect((await shell()).open(typed)).rejects.toThrow();
  });

  it('is other noise each time', async () => {
    const one = await shell();
    expect((await sealTyped('492716', one.key)).sealed).not.toBe((await sealTyped('492716', one.key)).sealed);
  });
});
