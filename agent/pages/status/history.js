/* SPDX-License-Identifier: Apache-2.0 */
/* Runs side by side, oldest first, each as high as it lasted. */
import { html } from './dom.js';
import { dateAndTime, dayAndTime, duration, instant, lasted } from './format.js';
import { icon, toneOf, words } from './states.js';

const LEAST_PERCENT = 4;
const FEW = 10; // bars are not as wide as two dates

export function historyStrip(runs) {
  if (!runs.length) return html('p', {}, 'It has never run.');
  const longest = Math.max(1, ...runs.map((run) => lasted(run) ?? 0));
  return [
    html('p', { class: 'muted' }, runs.length === 1 ? 'One run so far.' : `The newest ${runs.length} runs, oldest on the left; the highest lasted ${duration(longest)}.`),
    html('div', { class: 'scroll newest', tabindex: '0', role: 'region', 'aria-label': 'History of runs' },
      html('div', {},
        html('ol', { class: 'strip' }, [...runs].reverse().map((run) => bar(run, longest))),
        html('p', { class: 'span', 'aria-hidden': 'true' }, [runs.at(-1), runs[0]].slice(runs.length > FEW ? 0 : 1).map((run) => html('span', {}, dayAndTime(instant(run.for ?? run.created_at))))))),
  ];
}

function bar(run, longest) {
  const seconds = lasted(run);
  const when = dateAndTime(instant(run.for ?? run.created_at));
  const label = `${words(run.state)}, ${when}, ${duration(seconds)}`;
  const height = Math.max(LEAST_PERCENT, ((seconds ?? 0) / longest) * 100);
  return html('li', { 'data-key': run.id },
    html('a', { href: `#/runs/${run.id}`, 'aria-label': label, title: label, class: `tone-${toneOf(run.state)}` },
      html('span', { class: 'track' }, html('span', { class: 'bar', style: { height: `${height}%` } })), icon(run.state)));
}
