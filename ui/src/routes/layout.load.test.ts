import { afterEach, expect, it, vi } from 'vitest';
import { loadIpc } from '$lib/ipc';
import { sampleIpc } from '$lib/ipc/sample';
import { keepLanguage } from '$lib/state/preferences';
import { load } from './+layout';

vi.mock('$lib/ipc', async (original) => ({ ...(await original<typeof import('$lib/ipc')>()), loadIpc: vi.fn() }));

afterEach(() => keepLanguage('system'));

it.each([
  ['system', null],
  ['de', 'de'],
] as const)('tells the shell which language the window speaks: %s', async (chosen, told) => {
  const ipc = sampleIpc();
  const set = vi.spyOn(ipc.commands, 'languageSet');
  vi.mocked(loadIpc).mockResolvedValue(ipc);
  keepLanguage(chosen);
  await load({} as never);
  expect(set).toHaveBeenCalledExactlyOnceWith(told);
});
