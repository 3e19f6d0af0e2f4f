/* SPDX-License-Identifier: Apache-2.0 */
/* What happens, as it happens. EventSource cannot send a token, so the stream is read by hand: it goes on after the last event that was
 * seen, and is held to be lost when it has been silent for longer than two heartbeats. A hidden tab needs no stream. */
import { headers } from './api.js';

const SILENCE_MS = 40_000;
const RETRY_MS = { least: 1_000, most: 15_000 };

/* The fields of one block of lines, by the standard's rules as far as the agent uses them. */
function parse(block) {
  const fields = {};
  for (const line of block.split('\n')) {
    const colon = line.indexOf(':');
    if (colon > 0) fields[line.slice(0, colon)] = line.slice(colon + 1).trimStart();
  }
  return fields;
}

export class Events {
  #last = null;
  #abort = null;
  #lostSince = null;
  #retryMs = RETRY_MS.least;
  #timer = 0;
  #waiting = 0;

  /* on.event(event), on.open(): nothing before this moment is known for sure; on.refused(): a token is wanted; on.lost(since). */
  constructor(on) {
    this.on = on;
    document.addEventListener('visibilitychange', () => (document.hidden ? this.stop() : this.start()));
  }

  start() {
    this.stop();
    this.#abort = new AbortController();
    this.#follow(this.#abort.signal);
  }

  stop() {
    this.#abort?.abort();
    clearTimeout(this.#timer);
    clearTimeout(this.#waiting);
  }

  async #follow(signal) {
    try {
      const resume = this.#last === null ? {} : { 'Last-Event-ID': this.#last };
      this.#expectNews();
      const answer = await fetch('v1/events', { headers: headers(resume), signal, cache: 'no-store' });
      if (answer.status === 401 || answer.status === 403) {
        this.on.refused();
        return;
      }
      if (!answer.ok) throw new Error(`the agent answered ${answer.status}`);
      this.#lostSince = null;
      this.#retryMs = RETRY_MS.least;
      this.on.open();
      await this.#read(answer.body.pipeThrough(new TextDecoderStream()).getReader());
    } catch {
      // However it ended, what follows is the same.
    }
    if (!signal.aborted || signal.reason === 'silence') this.#lost();
  }

  async #read(reader) {
    let text = '';
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      this.#expectNews();
      const blocks = (text + value).split('\n\n');
      text = blocks.pop();
      blocks.forEach((block) => this.#take(parse(block)));
    }
  }

  #take({ id, event, data }) {
    if (id) this.#last = id;
    if (event === 'reset') this.on.open();
    else if (event && data) this.on.event(JSON.parse(data));
  }

  #expectNews() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#abort.abort('silence'), SILENCE_MS);
  }

  #lost() {
    clearTimeout(this.#timer);
    this.#lostSince ??= Date.now();
    this.on.lost(this.#lostSince);
    this.#waiting = setTimeout(() => this.start(), this.#retryMs * (0.8 + Math.random() * 0.4));
    this.#retryMs = Math.min(this.#retryMs * 2, RETRY_MS.most);
  }
}
