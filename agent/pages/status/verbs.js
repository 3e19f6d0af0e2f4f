/* SPDX-License-Identifier: Apache-2.0 */
/* What an operator may do with a run, in which state. Each asks before it acts, and acts once however often it is clicked. */
import { newKey, post } from './api.js';
import { ask } from './dialog.js';
import { html } from './dom.js';
import { hasEnded } from './states.js';

const AT_WORK = ['scheduled', 'running', 'paused'];
const leaves = (stages) => stages.flatMap((stage) => (stage.stages.length ? leaves(stage.stages) : [stage]));
export const onHold = (run) => leaves(run.stages).filter((stage) => stage.state === 'blocked' || (stage.state === 'paused' && stage.kind === 'run'));
const startable = (run) => leaves(run.stages).filter((stage) => ['waiting', 'never_run'].includes(stage.state));

function choice(name, label, stages, first) {
  return html('div', { class: 'field' }, html('label', { for: `verb-${name}` }, label),
    html('select', { id: `verb-${name}`, name }, first && html('option', { value: '' }, first), stages.map((stage) => html('option', { value: stage.path }, stage.path))));
}

const current = () => html('label', { class: 'check' }, html('input', { type: 'checkbox', name: 'current' }), ' By today’s definition instead of that of the run');
const chosen = (form, name) => form.elements[name]?.value || undefined;

/* fits(run), then what the dialog says, holds and sends. */
const VERBS = [
  {
    name: 'retry', label: 'Retry…', primary: true, confirm: 'Retry',
    fits: (run) => hasEnded(run.state) && !run.retried_by,
    text: () => 'A new run starts for the same time with the same parameters. Stages that completed are taken over.',
    content: (run) => [choice('from', 'Beginning at', leaves(run.stages), 'what did not complete'), current()],
    body: (form) => ({ from: chosen(form, 'from'), definition: form.elements.current.checked ? 'current' : undefined }),
  },
  {
    name: 'resume', label: 'Resume…', primary: true, confirm: 'Resume',
    fits: (run) => !hasEnded(run.state) && ((run.held && run.state !== 'cancelling') || onHold(run).length > 0),
    text: (run) => (run.held ? 'The run goes on.' : 'What waits for somebody goes on.'),
    content: (run) => onHold(run).length > 0 && choice('stage', 'What goes on', onHold(run), run.held && 'the whole run'),
    body: (form) => ({ stage: chosen(form, 'stage') }),
  },
  {
    name: 'step', label: 'Step…', confirm: 'Step',
    fits: (run) => run.state === 'paused' && run.held,
    text: () => 'The stages that are ready start. Then the run is paused again.',
  },
  {
    name: 'pause', label: 'Pause…', confirm: 'Pause',
    fits: (run) => AT_WORK.includes(run.state) && !run.held,
    text: () => 'No further stage starts. What runs goes on.',
  },
  {
    name: 'block', label: 'Block a stage…', confirm: 'Block',
    fits: (run) => AT_WORK.includes(run.state) && startable(run).length > 0,
    text: () => 'That stage will wait until somebody resumes it.',
    content: (run) => choice('stage', 'Stage', startable(run)),
    body: (form) => ({ stage: chosen(form, 'stage') }),
  },
  {
    name: 'cancel', label: 'Cancel…', danger: true, confirm: 'Cancel the run',
    fits: (run) => AT_WORK.includes(run.state),
    text: () => 'Its flow runs are cancelled in Prefect. Stages that run always still run. This cannot be taken back.',
  },
];

async function askFor(verb, run, done) {
  const key = newKey();
  await ask({
    title: `${verb.confirm}: ${run.sendpost}`,
    content: [html('p', {}, verb.text(run)), verb.content?.(run)],
    confirm: verb.confirm,
    danger: verb.danger,
    submit: async (form) => done(await post(`v1/runs/${run.id}/${verb.name}`, verb.body?.(form) ?? {}, key)),
  });
}

/* Buttons for those that fit; done(run) gets what the agent answers. */
export function verbButtons(run, done) {
  return VERBS.filter((verb) => verb.fits(run)).map((verb) => html('button', {
    type: 'button', 'data-key': verb.name, class: verb.danger ? 'danger' : verb.primary ? 'primary' : null, onclick: () => askFor(verb, run, done),
  }, verb.label));
}
