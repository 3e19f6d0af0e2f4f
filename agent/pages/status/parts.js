/* SPDX-License-Identifier: Apache-2.0 */
/* What several views show. */
import { html, outside } from './dom.js';
import { words } from './states.js';

export const fact = (name, ...value) => html('div', { class: 'fact' }, html('dt', {}, name), html('dd', {}, ...value));
export const facts = (...list) => html('dl', { class: 'facts' }, ...list);

export function fileError(error) {
  return error && html('section', { class: 'box bad', 'aria-label': 'Broken file' },
    html('h2', {}, 'The file is broken'),
    html('p', {}, 'What was last good stays in force.'),
    html('p', {}, html('code', {}, `${error.file}:${error.line}:${error.column}`), ' ', error.message));
}

/* Why it failed: where, what Prefect said, and the author's own last words. */
export function failureReport(failure) {
  return failure && html('section', { class: 'box bad failure', 'aria-label': 'Failure' },
    html('h2', {}, failure.stage ? `${failure.stage}: ${words(failure.reason)}` : words(failure.reason)),
    failure.task && html('p', {}, 'Task ', html('strong', {}, failure.task.name), failure.task.message && `: ${failure.task.message}`),
    failure.message && html('p', { class: 'message' }, failure.message),
    failure.logs.length > 0 && html('pre', { class: 'text', tabindex: '0', role: 'region', 'aria-label': 'Log lines' },
      failure.logs.map((line) => `${line.level} ${line.message}\n`)),
    failure.flow_run_url && html('p', {}, outside(failure.flow_run_url, 'Flow run in Prefect')));
}
