/* SPDX-License-Identifier: Apache-2.0 */
/* The stages of a run on an axis of time, one line each, groups above their members. */
import { html, outside } from './dom.js';
import { duration, instant, lasted, timeOfDay } from './format.js';
import { badge, hasEnded, toneOf, words } from './states.js';

const MARKS = 4;
const LEAST_PERCENT = 0.5; // of the axis, so that what took a moment is seen

function axisOf(run) {
  const from = instant(run.started_at) ?? instant(run.created_at);
  const to = Math.max(from + 1000, instant(run.ended_at) ?? Date.now());
  return { from, to, percent: (moment) => Math.min(100, Math.max(0, ((moment - from) / (to - from)) * 100)) };
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

function line(stage, axis, depth) {
  const isGroup = stage.stages.length > 0;
  const why = [stage.reason !== stage.state && words(stage.reason), stage.message].filter(Boolean).join(': ');
  return [
    html('li', { class: isGroup ? 'stage group' : 'stage', 'data-key': stage.path, 'data-path': stage.path, style: { '--depth': String(depth) } },
      html('div', { class: 'what' }, html('span', { class: 'name', title: stage.path }, stage.name), ' ', badge(stage.state)),
      html('div', { class: 'lane', 'aria-hidden': 'true' }, isGroup ? null : bars(stage, axis)),
      html('div', { class: 'took' }, duration(lasted(stage))),
      html('div', { class: 'link' }, stage.flow_run && outside(stage.flow_run.url, 'Prefect', html('span', { class: 'unseen' }, `: ${stage.path}`))),
      html('div', { class: 'more' }, attempts(stage), why && html('p', { class: 'message' }, why))),
    stage.stages.map((inner) => line(inner, axis, depth + 1)),
  ];
}

export function timeline(run) {
  const axis = axisOf(run);
  const marks = Array.from({ length: MARKS }, (_, index) => axis.from + ((axis.to - axis.from) * index) / MARKS);
  return html('div', { class: 'timeline' },
    html('div', { class: 'axis', 'aria-hidden': 'true' }, marks.map((moment) => html('span', { style: { left: `${axis.percent(moment)}%` } }, timeOfDay(moment)))),
    html('ol', { class: 'stages' }, run.stages.map((stage) => line(stage, axis, 0))));
}
