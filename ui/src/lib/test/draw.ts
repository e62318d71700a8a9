// A component on the invented world, with single commands replaced where a test needs another answer.
import { render, screen, waitFor, within, fireEvent } from '@testing-library/svelte';
import type { Component } from 'svelte';
import { vi } from 'vitest';
import type { Commands, Ipc } from '$lib/ipc';
import { sampleIpc } from '$lib/ipc/sample';
import { Desk } from '$lib/state/desk.svelte';
import OnDesk from './OnDesk.svelte';

export { fireEvent, screen, waitFor, within };

/* eslint-disable @typescript-eslint/no-explicit-any */
type AnyComponent = Component<any>;

export type World = { desk: Desk; ipc: Ipc; commands: Commands; went: string[] };

export const ok = <T>(data: T) => Promise.resolve({ status: 'ok' as const, data });
export const refused = (code: string) => Promise.resolve({ status: 'error' as const, error: { code, message: '', next: '' } });

/** Every command is watched; `other` answers in place of the invented world. */
export function world(query = '', other: Partial<Commands> = {}): World {
  const ipc = sampleIpc(query);
  const commands = { ...ipc.commands, ...other };
  for (const name of Object.keys(commands) as (keyof Commands)[]) vi.spyOn(commands, name);
  const went: string[] = [];
  const desk = new Desk(commands, (path) => went.push(path));
  ipc.onChanged(() => void desk.changed());
  return { desk, ipc: { ...ipc, commands }, commands, went };
}

export function draw(component: AnyComponent, on: World, props: Record<string, unknown> = {}) {
  void on.desk.status.read();
  return render(OnDesk, { props: { desk: on.desk, component, props } });
}

export async function click(name: string | RegExp, role = 'button'): Promise<void> {
  await fireEvent.click(await screen.findByRole(role, { name }));
}

export async function type(label: string | RegExp, text: string): Promise<void> {
  await fireEvent.input(await screen.findByLabelText(label), { target: { value: text } });
}
