import { describe, expect, it } from 'vitest';
import { getMessages } from '$lib/i18n';
import { click, draw, fireEvent, ok, refused, screen, waitFor, world } from '$lib/test/draw';
import type { ReminderTestView, RemindersView } from '$lib/ipc/bindings';
import Reminders from './Reminders.svelte';
import { stepsOf } from './words';

const nothing: RemindersView = { timer: { state: 'off' }, delivered: [], next: null, coming: [], why_none: 'no_reminders', silent: [], held: 0, test: null };
const test: ReminderTestView = { id: 'bill-test', at: '2026-11-12T14:00:00Z', reached: 'recorded', stopped: { step: 'shown', why: 'nobody shows notices here', next: 'switch them on' }, answer: null };

describe('the proof of reminders', () => {
  it('shows what comes, what was shown, and why none comes for the others', async () => {
    draw(Reminders, world());
    expect(await screen.findByRole('heading', { name: 'What comes next' })).toBeTruthy();
    expect(screen.getByRole('link', { name: 'Cobalt Ridge Power' })).toBeTruthy();
    expect(screen.getByRole('link', { name: 'Northfold Gas' })).toBeTruthy();
    expect(screen.getByText('It has no reminders.')).toBeTruthy();
  });

  it('tests the whole way and waits for the answer', async () => {
    const on = world();
    draw(Reminders, on);
    await click('Test now');
    await waitFor(() => expect(on.commands.reminderTest).toHaveBeenCalledOnce());
    expect(await screen.findByText('The notice is shown. Press one of its buttons, or close it.')).toBeTruthy();
    expect(screen.getAllByRole('img', { name: 'Done' })).toHaveLength(3);
    expect(screen.getByRole('img', { name: 'Waits for you' })).toBeTruthy();
  });

  it('says where a test stopped, why, and what helps', async () => {
    draw(Reminders, world('', { reminders: () => ok({ ...nothing, test }) }));
    expect(await screen.findByText('It stopped on the way.')).toBeTruthy();
    expect(screen.getByText('nobody shows notices here')).toBeTruthy();
    expect(screen.getByText(/Switch notifications on for Billfold/)).toBeTruthy();
    expect(screen.getByRole('img', { name: 'Failed' })).toBeTruthy();
  });

  it('says why there is none', async () => {
    draw(Reminders, world('', { reminders: () => ok(nothing) }));
    expect(await screen.findByText('No bill has a reminder.')).toBeTruthy();
    expect(screen.getByText('Off: reminders come only while Billfold runs.')).toBeTruthy();
  });

  it('keeps what it knew when it cannot be read', async () => {
    draw(Reminders, world('', { reminders: () => refused('server_unreachable') }));
    expect(await screen.findByText('server_unreachable', { exact: false })).toBeTruthy();
    expect(screen.getByRole('button', { name: 'Read again' })).toBeTruthy();
  });
});

describe('reminders by e-mail', () => {
  it('are switched on without names, and off', async () => {
    const on = world('?world=server');
    draw(Reminders, on);
    await fireEvent.click(await screen.findByLabelText('Also by e-mail'));
    await waitFor(() => expect(on.commands.emailRemindersSet).toHaveBeenCalledExactlyOnceWith(false, '09:00'));
    expect(await screen.findByText(/^To i•••@alder-lane\.example/)).toBeTruthy();
    await fireEvent.click(screen.getByLabelText('Names and amounts in it'));
    await waitFor(() => expect(on.commands.emailRemindersSet).toHaveBeenLastCalledWith(true, '09:00'));
    await fireEvent.click(screen.getByLabelText('Also by e-mail'));
    await waitFor(() => expect(on.commands.emailRemindersEnd).toHaveBeenCalled());
  });

  it('say plainly that an account of this computer sends none', async () => {
    draw(Reminders, world());
    expect(await screen.findByText('This account server sends no e-mail.')).toBeTruthy();
  });
});

describe('the steps of a test', () => {
  const states = (view: ReminderTestView) => stepsOf(view, getMessages()).map((step) => step.state);
  it('are done up to the one that was reached', () => {
    expect(states(test)).toEqual(['done', 'done', 'failed', 'not_reached']);
    expect(states({ ...test, stopped: null })).toEqual(['done', 'done', 'not_reached', 'not_reached']);
    expect(states({ ...test, reached: 'shown', stopped: null })).toEqual(['done', 'done', 'done', 'waits']);
    expect(states({ ...test, reached: 'answered', stopped: null, answer: { kind: 'closed' } })).toEqual(['done', 'done', 'done', 'done']);
  });
});
