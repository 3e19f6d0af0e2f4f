/* SPDX-License-Identifier: Apache-2.0 */
/* The YAML text that is in force, and what is wrong with the file that is there now. */
import { get, getText } from './api.js';
import { html } from './dom.js';
import { fileError } from './parts.js';

export class DefinitionView {
  isLive = false;
  loaded = false;

  constructor(name) {
    this.name = name;
    this.title = `${name} · definition`;
    this.path = `v1/sendposts/${encodeURIComponent(name)}`;
  }

  concerns(event) {
    return event.sendpost === this.name && event.type.startsWith('definition.');
  }

  async load() {
    [this.sendpost, this.text] = await Promise.all([get(this.path), getText(`${this.path}/definition`)]);
    this.loaded = true;
  }

  refresh() {
    return this.load();
  }

  draw() {
    const { definition } = this.sendpost;
    return [
      html('p', { class: 'trail' }, html('a', { href: '#/' }, 'Sendposts'), ' / ', html('a', { href: `#/sendposts/${encodeURIComponent(this.name)}` }, this.name)),
      html('h1', { tabindex: '-1' }, 'Definition'),
      fileError(definition.error),
      html('p', { class: 'muted' }, definition.file ? html('code', {}, definition.file) : 'No file any more', ' at revision ', html('code', {}, (definition.revision ?? 'none').slice(0, 12)), ', SHA-256 ',
        html('code', {}, definition.sha256.slice(0, 12))),
      html('pre', { class: 'text', tabindex: '0', role: 'region', 'aria-label': 'YAML' }, this.text),
    ];
  }
}
