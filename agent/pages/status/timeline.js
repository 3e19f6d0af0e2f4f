/* SPDX-License-Identifier: Apache-2.0 */
/* The stages of a run on an axis of time, one line each, groups above their members. */
import { html, outside } from './dom.js';
import { duration, instant, lasted, markTime } from './format.js';
import { badge, hasEnded, toneOf, words } from './states.js';

const MARKS = 4;
const LAST_MARK = 0.82; // of the axis: what stands there needs room
const STEPS_S = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400];
const LEAST_PERCENT = 0.5; // of the axis, so that what took a moment is seen

function axisOf(run) {
  const from = instant(run.started_at) ?? instant(run.created_at);
  const to = Math.max(from + 1000, instant(run.ended_at) ?? Date.now());
  return { from, to, percent: (moment) => Math.min(100, Math.max(0, ((moment - from) / (to - from)) * 100)) };
}

/* At round times of the reader's clock. */
function marksOf({ from, to }) {
  const [span, zone] = [to - from, new Date(from).getTimezoneOffset() * 60_000];
  const seconds = STEPS_S.find((one) => one * 1000 * MARKS >= span) ?? Math.ceil(span / 1000 / MARKS / STEPS_S.at(-1)) * STEPS_S.at(-1);
  const step = seconds * 1000;
  const marks = [];
  for (let at = Math.ceil((from - zone) / step) * step + zone; at <= from + span * LAST_MARK; at += step) marks.push({ at, text: markTime(at, step, span) });
  return marks;
}

function bars(stage, axis) {
  const pieces = stage.attempts.length ? stage.attempts : [stage];
  return pieces.filter((piece) => piece.started_at).map((piece) => {
    const left = axis.percent(instant(piece.started_at));
    const right = axis.percent(instant(piece.ended_at) ?? (hasEnded(piece.state) ? instant(piece.started_at) : Date.now()));
    return html('span', { class: `bar tone-${toneOf(piece.state)}`, style: { left: `${Math.min(left, 100 - LEAST_PERCENT)}%`, width: `${Math.max(LEAST_PERCENT, right - left)}%` } });
  });
}

function attempts(stage) {
  return stage.attempts.length > 1 && html('p', {}, stage.attempts.map((attempt) => {
    const name = `attempt ${attempt.number}`;
    return [attempt.flow_run ? outside(attempt.flow_run.url, name) : name, ' ', badge(attempt.state), ' '];
  }));
}

/* How long it takes, and, while nobody knows, how long it took before. */
function took(stage, before) {
  const now = lasted(stage);
  const last = !hasEnded(stage.state) && before.get(stage.path);
  return html('div', { class: 'took' }, now === null && last ? null : duration(now), last ? html('span', { class: 'caption' }, `last ${duration(last)}`) : null);
}

function line(stage, axis, before, depth) {
  const isGroup = stage.stages.length > 0;
  const why = [stage.reason !== stage.state && words(stage.reason), stage.message].filter(Boolean).join(': ');
  return [
    html('li', { class: isGroup ? 'stage group' : 'stage', 'data-key': stage.path, 'data-path': stage.path, style: { '--depth': String(depth) } },
      html('div', { class: 'what' }, html('span', { class: 'name', title: stage.path }, stage.name), ' ', badge(stage.state)),
      html('div', { class: 'lane', 'aria-hidden': 'true' }, bars(stage, axis)),
      took(stage, before),
      html('div', { class: 'link' }, stage.flow_run && outside(stage.flow_run.url, 'Prefect', html('span', { class: 'unseen' }, `: ${stage.path}`))),
      html('div', { class: 'more' }, attempts(stage), why && html('p', { class: 'message' }, why))),
    stage.stages.map((inner) => line(inner, axis, before, depth + 1)),
  ];
}

/* before: how long stages took the last time, by path. */
export function timeline(run, before) {
  const axis = axisOf(run);
  return html('div', { class: 'timeline' },
    run.started_at && html('div', { class: 'axis', 'aria-hidden': 'true' }, marksOf(axis).map(({ at, text }) => html('span', { style: { left: `${axis.percent(at)}%` } }, text))),
    html('ol', { class: 'stages' }, run.stages.map((stage) => line(stage, axis, before, 0))));
}
