/* SPDX-License-Identifier: Apache-2.0 */
/* What stands above every view: whether the agent is heard of, and what keeps it from its work. */
import { agent, remedyOfPrefect } from './agent_status.js';
import { html, patch } from './dom.js';
import { timeOfDay } from './format.js';

const notice = (tone, text) => html('p', { class: `notice ${tone}` }, text);

export class Notices {
  lostSince = null;
  #answeredAt = 0;

  /* The events come, or since when they do not. */
  hear(lostSince) {
    this.lostSince = lostSince;
    this.draw();
  }

  /* The agent answered a question. */
  answered() {
    this.#answeredAt = Date.now();
    if (this.lostSince) this.draw();
  }

  draw() {
    const isMute = this.lostSince !== null && this.#answeredAt > this.lostSince;
    const notices = html('div', { id: 'notices', role: 'status' }, this.#ofConnection(isMute), agent.status && this.#ofStatus());
    patch(document.getElementById('notices'), notices);
    const connection = document.getElementById('connection');
    connection.textContent = isMute ? 'Not live' : this.lostSince ? 'Lost' : 'Live';
    connection.classList.toggle('lost', this.lostSince !== null);
  }

  #ofConnection(isMute) {
    if (isMute) return notice('held', 'The agent answers, but its live events do not come through. The page is read anew every few seconds.');
    return this.lostSince && notice('bad', `The agent has not been heard of since ${timeOfDay(this.lostSince)}. What is shown is from then. Trying again…`);
  }

  #ofStatus() {
    const { prefect, journal } = agent.status;
    const remedy = remedyOfPrefect();
    return [
      !prefect.reachable && notice('held', `Prefect cannot be reached${prefect.error ? `: ${prefect.error}` : ''}. States are those that were known last.${remedy ? ` What to do: ${remedy}.` : ''}`),
      !journal.writable && notice('bad', 'The agent cannot write its journal: it takes no orders now.'),
    ];
  }
}
