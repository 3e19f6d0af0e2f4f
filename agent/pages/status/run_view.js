/* SPDX-License-Identifier: Apache-2.0 */
/* One run: where it stands, why it failed, what may be done about it. */
import { problemsOf } from './agent_status.js';
import { get, session } from './api.js';
import { html } from './dom.js';
import { ago, duration, lasted, time } from './format.js';
import { fact, facts, failureReport, problemsBox } from './parts.js';
import { badge, hasEnded, words } from './states.js';
import { timeline } from './timeline.js';
import { onHold, verbButtons } from './verbs.js';

const runLink = (id) => html('a', { href: `#/runs/${id}` }, html('code', {}, id));

/* Every stage's last duration, by path. */
const durationsOf = (stages) => stages.flatMap((stage) => [[stage.path, stage.last_duration_seconds], ...durationsOf(stage.stages)]);

export class RunView {
  loaded = false;
  title = 'Run';
  #before = new Map();

  constructor(id, _wanted, draw) {
    this.id = id;
    this.redraw = draw;
  }

  get isLive() {
    return this.loaded && !hasEnded(this.run.state);
  }

  get looksAgain() {
    return this.isLive;
  }

  concerns(event) {
    return event.run === this.id;
  }

  async load() {
    await this.refresh();
    if (this.isLive) await this.#readBefore();
  }

  async refresh() {
    this.#take(await get(`v1/runs/${encodeURIComponent(this.id)}`));
  }

  /* Its sendpost may be retired, or have other stages now. */
  async #readBefore() {
    const sendpost = await get(`v1/sendposts/${encodeURIComponent(this.run.sendpost)}`).catch(() => null);
    this.#before = new Map(sendpost ? durationsOf(sendpost.stages) : []);
  }

  #take(run) {
    this.run = run;
    this.title = `${words(run.state)}: ${run.sendpost}`;
    this.loaded = true;
  }

  /* A retry is another run; every other verb answers with this one. */
  #done(run) {
    if (run.id !== this.id) {
      location.hash = `#/runs/${run.id}`;
      return;
    }
    this.#take(run);
    this.redraw();
  }

  draw() {
    const { run } = this;
    const reason = run.reason !== run.state && run.reason;
    return [
      html('p', { class: 'trail' }, html('a', { href: '#/' }, 'Sendposts'), ' / ', html('a', { href: `#/sendposts/${encodeURIComponent(run.sendpost)}` }, run.sendpost)),
      html('h1', { tabindex: '-1' }, `Run of ${run.sendpost} `, html('span', { 'aria-live': 'polite' }, badge(run.state, reason))),
      run.retried_by && html('p', { class: 'box' }, 'It was retried: ', runLink(run.retried_by)),
      html('div', { class: 'buttons' }, session.mayOperate ? verbButtons(run, (answer) => this.#done(answer)) : html('p', { class: 'muted' }, 'Your token may look, not act.')),
      this.#waits(),
      this.isLive && problemsBox(problemsOf(run.sendpost, run.id)),
      failureReport(run.failure),
      this.#facts(),
      html('section', { 'aria-labelledby': 'stages' }, html('h2', { id: 'stages' }, 'Stages'), timeline(run, this.#before)),
      html('details', {}, html('summary', {}, 'Parameters and origin'),
        html('pre', { class: 'text', tabindex: '0', role: 'region', 'aria-label': 'Parameters' }, JSON.stringify(run.parameters, null, 2)),
        facts(fact('Run', html('code', {}, run.id)), fact('Definition', html('code', {}, run.definition_sha256.slice(0, 12))), fact('Revision', html('code', {}, (run.revision ?? '–').slice(0, 12))))),
    ];
  }

  #waits() {
    const stages = this.isLive ? onHold(this.run) : [];
    return stages.length > 0 && html('p', { class: 'box held' }, 'It waits for somebody: ', html('strong', {}, stages.map((stage) => stage.path).join(', ')));
  }

  #facts() {
    const { run } = this;
    return facts(
      run.started_at && fact(run.ended_at ? 'Took' : 'Running for', duration(lasted(run))),
      fact('For', time(run.for)),
      run.start_at && fact('Planned for', time(run.start_at), !run.started_at && !run.ended_at ? [', ', ago(run.start_at)] : ''),
      run.started_at && fact('Began', time(run.started_at)),
      run.ended_at && fact('Ended', time(run.ended_at)),
      fact('Started by', words(run.trigger), run.triggered_by ? ` (${run.triggered_by})` : ''),
      run.trigger_reason && fact('Because', run.trigger_reason),
      run.retry_of && fact('Retry of', runLink(run.retry_of)),
      run.held && fact('Held', 'no further stage starts'));
  }
}
