/* SPDX-License-Identifier: Apache-2.0 */
/* All sendposts, a page of them at a time. What is looked for stands in the address, so that it can be sent to somebody. */
import { agent, problems, waitingOf } from './agent_status.js';
import { get, pages } from './api.js';
import { html } from './dom.js';
import { ago, dayAndTime, duration, instant } from './format.js';
import { causeOf, problemsBox } from './parts.js';
import { STATE_NAMES, badge, icon, toneOf, words } from './states.js';

const ROWS = 50;
const CHUNK = 100; // read and refreshed together
const PATH = `v1/sendposts?limit=${CHUNK}`;
const TYPING_MS = 200;
const HOLDS = ['blocked', 'paused']; // the status says who waits for somebody

export class ListView {
  title = 'Sendposts';
  isLive = false;
  loaded = false;
  #chunks = [];
  #isWhole = false;
  #typing = 0;

  constructor(_name, wanted, draw) {
    this.wanted = wanted;
    this.redraw = draw;
  }

  concerns() {
    return true;
  }

  /* The first time what has come is shown while the rest comes. */
  async load() {
    const chunks = [];
    await agent.read();
    for await (const chunk of pages(PATH, 'sendposts')) {
      chunks.push(chunk);
      if (this.#isWhole) continue;
      this.#chunks = chunks;
      this.loaded = true;
      this.redraw();
    }
    this.#chunks = chunks;
    this.#isWhole = true;
  }

  /* Only the chunks in which something happened; all of them when names may have come or gone. */
  async refresh(events) {
    const names = new Set(events.map((event) => event.sendpost));
    const known = new Set(this.#chunks.flatMap((chunk) => chunk.items.map((one) => one.name)));
    if (!events.length || events.some((event) => event.type.startsWith('definition.') || (event.sendpost && !known.has(event.sendpost)))) {
      return this.load();
    }
    if (events.some((event) => HOLDS.includes(event.from) || HOLDS.includes(event.to))) await agent.read();
    for (const chunk of this.#chunks.filter((one) => one.items.some(({ name }) => names.has(name)))) {
      chunk.items = (await get(chunk.cursor ? `${PATH}&cursor=${encodeURIComponent(chunk.cursor)}` : PATH)).sendposts;
    }
  }

  #want(changes) {
    for (const [name, value] of Object.entries(changes)) {
      if (value) this.wanted.set(name, value);
      else this.wanted.delete(name);
    }
    const query = this.wanted.toString();
    history.replaceState(null, '', query ? `#/?${query}` : '#/');
    this.redraw();
  }

  /* What was typed or chosen is no attribute, which is all that a drawing changes. */
  #showAll() {
    for (const control of document.querySelectorAll('#search, #label')) control.value = '';
    this.#want({ q: null, label: null, state: null, page: null });
    document.getElementById('search').focus();
  }

  #matches(one) {
    const text = (this.wanted.get('q') ?? '').trim().toLowerCase();
    const label = this.wanted.get('label');
    const state = this.wanted.get('state');
    const searched = [one.name, one.description, one.owner].join('\n').toLowerCase();
    return searched.includes(text) && (!label || labelsOf(one).includes(label)) && (!state || (state === 'broken' ? one.error : one.state === state));
  }

  draw() {
    const all = this.#chunks.flatMap((chunk) => chunk.items);
    const found = all.filter((one) => this.#matches(one));
    const last = Math.max(1, Math.ceil(found.length / ROWS));
    const page = Math.min(last, Math.max(1, Number(this.wanted.get('page')) || 1));
    const shown = found.slice((page - 1) * ROWS, page * ROWS);
    return [
      html('h1', { tabindex: '-1' }, 'Sendposts'),
      problemsBox(problems()),
      this.#fileErrors(),
      this.#filters(all),
      html('p', { class: 'count', role: 'status' }, `${all.length === found.length ? '' : `${found.length} of `}${all.length} ${all.length === 1 ? 'sendpost' : 'sendposts'}${this.#isWhole ? '' : ' so far'}`),
      html('ul', { class: 'rows' }, shown.map(row)),
      last > 1 && this.#pager(page, last),
      all.length > 0 && found.length === 0 && html('p', {}, 'Nothing is like that. ', html('button', { type: 'button', onclick: () => this.#showAll() }, 'Show all')),
      all.length === 0 && html('p', {}, 'There is none yet. A YAML file in the directory of definitions makes one.'),
    ];
  }

  #fileErrors() {
    const errors = agent.status.file_errors;
    return errors.length > 0 && html('section', { class: 'box bad', 'aria-label': 'Broken files' },
      html('h2', {}, errors.length === 1 ? 'One file is broken' : `${errors.length} files are broken`),
      html('p', {}, 'What was last good stays in force.'),
      html('ul', {}, errors.slice(0, 10).map((error) => html('li', {}, html('code', {}, `${error.file}:${error.line}:${error.column}`), ' ', error.message))));
  }

  #filters(all) {
    const counts = new Map(STATE_NAMES.map((name) => [name, all.filter((one) => one.state === name).length]));
    const broken = all.filter((one) => one.error).length;
    const labels = [...new Set(all.flatMap(labelsOf))].sort();
    const typed = (event) => {
      const text = event.target.value;
      clearTimeout(this.#typing);
      this.#typing = setTimeout(() => this.#want({ q: text, page: null }), TYPING_MS);
    };
    return html('search', { class: 'filters' },
      html('div', { class: 'field' }, html('label', { for: 'search' }, 'Search'),
        html('input', { id: 'search', type: 'search', autocomplete: 'off', value: this.wanted.get('q') ?? '', oninput: typed })),
      labels.length > 0 && html('div', { class: 'field' }, html('label', { for: 'label' }, 'Label'),
        html('select', { id: 'label', onchange: (event) => this.#want({ label: event.target.value, page: null }) },
          html('option', { value: '' }, 'any'),
          labels.map((label) => html('option', { value: label, selected: label === this.wanted.get('label') }, label)))),
      html('div', { class: 'chips', role: 'group', 'aria-label': 'State' },
        [...counts].filter(([name, count]) => count > 0 || name === this.wanted.get('state')).map(([name, count]) => this.#chip(name, count, icon(name), toneOf(name))),
        (broken > 0 || this.wanted.get('state') === 'broken') && this.#chip('broken', broken, '⚠', 'bad', 'broken file')));
  }

  #chip(name, count, shape, tone, label = words(name)) {
    const pressed = this.wanted.get('state') === name;
    return html('button', {
      type: 'button', class: `chip tone-${tone}`, 'data-key': name, 'aria-pressed': String(pressed),
      onclick: () => this.#want({ state: pressed ? null : name, page: null }),
    }, html('span', { class: 'state' }, shape, ` ${label}`), ' ', html('span', { class: 'number' }, count));
  }

  #pager(page, last) {
    const turn = (to, label) => html('button', { type: 'button', disabled: to < 1 || to > last, onclick: () => this.#turn(to) }, label);
    return html('nav', { class: 'pager', 'aria-label': 'Pages' }, turn(page - 1, 'Previous'), html('span', { 'aria-current': 'page' }, `Page ${page} of ${last}`), turn(page + 1, 'Next'));
  }

  #turn(page) {
    this.#want({ page: page > 1 ? String(page) : null });
    document.querySelector('.rows').scrollIntoView();
  }
}

const labelsOf = (one) => Object.entries(one.labels).map(([name, value]) => `${name}:${value}`);

function active(one) {
  const name = (index) => (one.active_runs.length > 1 ? `active run ${index + 1}` : 'active run');
  return one.active_runs.length > 0 && html('div', { class: 'when' }, html('span', { class: 'caption' }, 'Now '),
    one.active_runs.map((id, index) => [index ? ', ' : '', html('a', { href: `#/runs/${id}` }, name(index))]));
}

function waits(one) {
  const stages = one.active_runs.length > 0 ? waitingOf(one.name) : [];
  return stages.length > 0 && html('p', { class: 'why tone-held' }, `Waits for somebody: ${[...new Set(stages)].join(', ')}`);
}

function last(run) {
  return html('div', { class: 'when' }, html('span', { class: 'caption' }, 'Last run '),
    run ? html('a', { href: `#/runs/${run.id}` }, badge(run.state), ago(run.ended_at ?? run.created_at)) : 'none',
    run && html('span', { class: 'muted whole' }, ` ${duration(run.duration_seconds)}`));
}

function row(one) {
  const run = one.last_run;
  return html('li', { class: `row tone-${toneOf(one.state)}`, 'data-key': one.name },
    html('div', { class: 'what' },
      html('a', { class: 'name', href: `#/sendposts/${encodeURIComponent(one.name)}` }, one.name),
      badge(one.state),
      !one.enabled && html('span', { class: 'tag' }, 'disabled'),
      one.error && html('span', { class: 'tag bad' }, 'broken file'),
      html('p', { class: 'about' }, [one.description, one.owner && `(${one.owner})`].filter(Boolean).join(' ')),
      html('p', { class: 'labels' }, labelsOf(one).map((label) => html('span', { class: 'tag' }, label)))),
    (!run && active(one)) || last(run),
    html('div', { class: 'when' }, html('span', { class: 'caption' }, 'Next run '), one.next_run_at ? [ago(one.next_run_at), html('span', { class: 'muted small' }, ` ${dayAndTime(instant(one.next_run_at))}`)] : 'not planned'),
    run && active(one),
    waits(one),
    toneOf(one.state) === 'bad' && run?.failure && html('p', { class: 'why' }, causeOf(run.failure)));
}
