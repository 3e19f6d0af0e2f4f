/* SPDX-License-Identifier: Apache-2.0 */
/* One sendpost: what it is made of, how its runs went, when the next one is due. */
import { problemsOf } from './agent_status.js';
import { get, session } from './api.js';
import { html, outside } from './dom.js';
import { ago, duration, time } from './format.js';
import { graph } from './graph.js';
import { historyStrip } from './history.js';
import { fact, facts, failureReport, fileError, problemsBox } from './parts.js';
import { badge, words } from './states.js';
import { askToRun } from './trigger_form.js';

const RUNS = 60;
const NARROW = matchMedia('(max-width: 45rem)');
const PADDING = 32; // of the content

const roomOfGraph = () => (NARROW.matches ? document.documentElement.clientWidth - PADDING : null);

export class SendpostView {
  isLive = false;
  looksAgain = true;
  loaded = false;

  constructor(name) {
    this.name = name;
    this.title = name;
    this.path = encodeURIComponent(name);
  }

  concerns(event) {
    return event.sendpost === this.name;
  }

  async load() {
    const [, { runs }] = await Promise.all([this.#loadSendpost(), get(`v1/runs?sendpost=${this.path}&limit=${RUNS}`)]);
    this.runs = runs;
    this.loaded = true;
  }

  async #loadSendpost() {
    this.sendpost = await get(`v1/sendposts/${this.path}`);
    this.title = `${words(this.sendpost.state)}: ${this.name}`;
  }

  /* A stage changes no run that is listed. */
  refresh(events) {
    const onlyStages = events.length > 0 && events.every((event) => event.type === 'stage.state');
    return onlyStages ? this.#loadSendpost() : this.load();
  }

  draw() {
    const { sendpost } = this;
    return [
      html('p', { class: 'trail' }, html('a', { href: '#/' }, 'Sendposts')),
      html('h1', { tabindex: '-1' }, this.name, ' ', badge(sendpost.state), !sendpost.enabled && html('span', { class: 'tag' }, 'disabled')),
      sendpost.description && html('p', {}, sendpost.description),
      fileError(sendpost.definition.error),
      html('div', { class: 'buttons' },
        session.mayOperate && html('button', { type: 'button', class: 'primary', disabled: !sendpost.enabled, onclick: () => this.#run() }, 'Run…'),
        html('a', { href: `#/sendposts/${this.path}/definition` }, 'Definition'),
        sendpost.links.prefect && outside(sendpost.links.prefect, 'Deployment in Prefect')),
      problemsBox(problemsOf(this.name)),
      this.#active(),
      this.#failure(),
      this.#facts(),
      html('section', { 'aria-labelledby': 'stages' }, html('h2', { id: 'stages' }, 'Stages'), this.#stages()),
      html('section', { 'aria-labelledby': 'history' }, html('h2', { id: 'history' }, 'History'), historyStrip(this.runs)),
      html('section', { 'aria-labelledby': 'schedule' }, html('h2', { id: 'schedule' }, 'Schedule'), this.#schedule()),
    ];
  }

  /* Of a drawing that is wider than the screen, what needs a look is brought into sight. */
  shown() {
    const region = document.querySelector('.scroll:has(.graph)');
    const noted = ['bad', 'held', 'active'].map((tone) => region.querySelector(`.graph .tone-${tone}`)).find(Boolean);
    if (noted) region.scrollLeft += noted.getBoundingClientRect().left - region.getBoundingClientRect().left - region.clientWidth / 3;
  }

  async #run() {
    const started = await askToRun(this.sendpost);
    if (started) location.hash = `#/runs/${started}`;
  }

  #active() {
    const active = this.runs.filter((run) => this.sendpost.active_runs.includes(run.id));
    return active.length > 0 && html('ul', { class: 'active' }, active.map((run) => html('li', { 'data-key': run.id },
      html('a', { href: `#/runs/${run.id}` }, badge(run.state), 'run for ', time(run.for)), ', begun ', ago(run.started_at ?? run.created_at))));
  }

  #failure() {
    const run = this.sendpost.last_run;
    return run && failureReport(run.failure, html('a', { href: `#/runs/${run.id}` }, 'The run that failed'));
  }

  #facts() {
    const { sendpost } = this;
    const seconds = (value, text) => (value === null ? null : fact(text, duration(value)));
    return facts(
      fact('Owner', sendpost.owner ?? '–'),
      fact('Last success', ago(sendpost.last_success_at)),
      fact('Last failure', ago(sendpost.last_failure_at)),
      sendpost.last_run && fact('Last run', html('a', { href: `#/runs/${sendpost.last_run.id}` }, badge(sendpost.last_run.state)), ' ', html('span', { class: 'whole' }, duration(sendpost.last_run.duration_seconds))),
      fact('When one is active', { forbid: 'a further run is refused', queue: 'a further run waits', replace: 'a further run replaces it' }[sendpost.concurrency]),
      seconds(sendpost.timeout_seconds, 'Timeout'), seconds(sendpost.deadline_seconds, 'Deadline'), seconds(sendpost.freshness_seconds, 'Freshness'),
      Object.keys(sendpost.labels).length > 0 && fact('Labels', Object.entries(sendpost.labels).map(([name, value]) => html('span', { class: 'tag' }, `${name}: ${value}`))));
  }

  #stages() {
    const rows = leaves(this.sendpost.stages);
    return [
      html('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': 'Graph of stages' }, graph(this.sendpost.stages, `${rows.length === 1 ? 'One stage' : `${rows.length} stages`}; the list below says the same`, roomOfGraph())),
      html('details', {}, html('summary', {}, 'As a list'),
        html('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': 'List of stages' }, html('table', {},
          html('thead', {}, html('tr', {}, ['Stage', 'Deployment', 'Comes after', 'State', 'Last took'].map((text) => html('th', { scope: 'col' }, text)))),
          html('tbody', {}, rows.map((stage) => html('tr', { 'data-key': stage.path },
            html('th', { scope: 'row' }, stage.path), html('td', {}, stage.kind === 'observe' ? 'observes ' : '', stage.deployment), html('td', {}, stage.needs.join(', ') || '–'),
            html('td', {}, badge(stage.state)), html('td', {}, duration(stage.last_duration_seconds)))))))),
    ];
  }

  #schedule() {
    const { schedule, ticks } = this.sendpost;
    return [
      schedule.length === 0 && html('p', {}, 'It has no schedule: it is started by hand, by the API or by a webhook.'),
      html('ul', {}, schedule.map((one) => html('li', {}, html('code', {}, one.cron), ` in ${one.timezone}. `,
        one.next_run_at ? ['Next ', ago(one.next_run_at), ', ', time(one.next_run_at, one.timezone)] : 'No next run is planned',
        `. When the agent was away: ${{ none: 'missed runs are not made up for', latest: 'the latest missed run is made up for', all: 'missed runs are made up for' }[one.catch_up]}.`))),
      ticks.length > 0 && html('details', { open: true }, html('summary', {}, 'What became of the newest ticks'),
        html('ul', {}, ticks.map((tick) => html('li', { 'data-key': tick.at }, time(tick.at, this.sendpost.timezone), ': ',
          tick.run ? html('a', { href: `#/runs/${tick.run}` }, words(tick.verdict)) : words(tick.verdict))))),
    ];
  }
}

const leaves = (stages) => stages.flatMap((stage) => (stage.stages.length ? leaves(stage.stages) : [stage]));
