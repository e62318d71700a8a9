// What the proof says of the system's timer and of the steps of a test.
import type { Messages } from '$lib/i18n';
import type { ReminderTestView, TestStep, TimerState } from '$lib/ipc/bindings';

export function timerText(timer: TimerState, messages: Messages): string {
  const words = messages.settings;
  if (timer.state === 'not_here') return `${messages.reminders.onlyOpen} ${words.timerNotHere(timer.why)}`;
  return timer.state === 'on' ? `${messages.reminders.also} ${words.timerOn}` : words.timerOff;
}

const STEPS: readonly TestStep[] = ['planned', 'recorded', 'shown', 'answered'];

export type StepShown = { name: TestStep; state: 'done' | 'failed' | 'waits' | 'not_reached'; about: string };

/** Every step in its order: done up to the one that was reached; the next one failed or waits for the person. */
export function stepsOf(test: ReminderTestView, messages: Messages): StepShown[] {
  const words = messages.reminders.test;
  const reached = test.reached === null ? -1 : STEPS.indexOf(test.reached);
  return STEPS.map((name, at) => {
    if (at <= reached) return { name, state: 'done', about: name === 'answered' && test.answer ? words.answer[test.answer.kind === 'button' ? test.answer.action : 'closed'] : '' };
    if (test.stopped?.step === name) return { name, state: 'failed', about: '' };
    const waits = !test.stopped && name === 'answered' && reached === at - 1;
    return { name, state: waits ? 'waits' : 'not_reached', about: waits ? words.press : '' };
  });
}
