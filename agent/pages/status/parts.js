/* SPDX-License-Identifier: Apache-2.0 */
/* What several views show. */
import { html, outside } from './dom.js';
import { words } from './states.js';

const PROBLEMS_SHOWN = 10;

export const fact = (name, ...value) => html('div', { class: 'fact' }, html('dt', {}, name), html('dd', {}, ...value));
export const facts = (...list) => html('dl', { class: 'facts' }, ...list);

export function fileError(error) {
  return error && html('section', { class: 'box bad', 'aria-label': 'Broken file' },
    html('h2', {}, 'The file is broken'),
    html('p', {}, 'What was last good stays in force.'),
    html('p', {}, html('code', {}, `${error.file}:${error.line}:${error.column}`), ' ', error.message));
}

/* What somebody should do something about, and what. */
export function problemsBox(problems) {
  const isGrave = problems.some((one) => one.severity === 'error');
  const more = problems.length - PROBLEMS_SHOWN;
  return problems.length > 0 && html('section', { class: `box ${isGrave ? 'bad' : 'held'}`, 'aria-label': 'Problems' },
    html('h2', {}, problems.length === 1 ? 'One thing needs attention' : `${problems.length} things need attention`),
    html('ul', {}, problems.slice(0, PROBLEMS_SHOWN).map((one) => html('li', {}, html('strong', {}, one.subject), ': ', one.message, html('p', { class: 'hint' }, one.remedy)))),
    more > 0 && html('p', { class: 'hint' }, `And ${more} more: sendpost status`));
}

/* The first line of a report: "deliver/email, send_batch: the connection was closed". */
export function causeOf(failure) {
  const where = [failure.stage, failure.task?.name].filter(Boolean).join(', ');
  return [where, failure.task?.message ?? failure.message ?? words(failure.reason)].filter(Boolean).join(': ');
}

/* Why it failed: where, what Prefect said, and the author's own last words; a link to more. */
export function failureReport(failure, link) {
  return failure && html('section', { class: 'box bad failure', 'aria-label': 'Failure' },
    html('h2', {}, failure.stage ? `${failure.stage}: ${words(failure.reason)}` : words(failure.reason)),
    failure.task && html('p', {}, 'Task ', html('strong', {}, failure.task.name), failure.task.message && `: ${failure.task.message}`),
    failure.message && html('p', { class: 'message' }, failure.message),
    failure.logs.length > 0 && html('pre', { class: 'text', tabindex: '0', role: 'region', 'aria-label': 'Log lines' },
      failure.logs.map((line) => `${line.level} ${line.message}\n`)),
    html('p', { class: 'links' }, link, failure.flow_run_url && outside(failure.flow_run_url, 'Flow run in Prefect')));
}
