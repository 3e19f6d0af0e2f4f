/* SPDX-License-Identifier: Apache-2.0 */
/* What each state looks like: a colour and, as colour alone is not enough, a shape; and what may be done in it. */
import { html, svg } from './dom.js';

const SHAPES = {
  ring: 'M8 3a5 5 0 1 0 0 10a5 5 0 1 0 0-10zM8 5a3 3 0 1 1 0 6a3 3 0 1 1 0-6z',
  clock: 'M8 2a6 6 0 1 0 0 12a6 6 0 1 0 0-12zM7.200 4.500h1.600v3.200l2.200 1.300-.8 1.400-3-1.800z',
  dots: 'M2 7h3v3H2zM6.500 7h3v3h-3zM11 7h3v3h-3z',
  play: 'M4 2.500l9 5.500-9 5.500z',
  pause: 'M4 3h3v10H4zM9 3h3v10H9z',
  lock: 'M5 7V5a3 3 0 0 1 6 0v2h1v6H4V7zM6.500 7h3V5a1.500 1.500 0 0 0-3 0z',
  slash: 'M8 2a6 6 0 1 0 0 12a6 6 0 1 0 0-12zM4 7h8v2H4z',
  check: 'M2 8.500l1.700-1.700 2.800 2.700 5.800-6L14 5.200 6.500 13z',
  cross: 'M3 4.400L4.400 3 8 6.600 11.600 3 13 4.400 9.400 8l3.600 3.600-1.400 1.400L8 9.400 4.400 13 3 11.600 6.600 8z',
  bolt: 'M9.500 1L3 9h4l-1 6 7-8.500H8.500z',
  skip: 'M2 4l5 4-5 4zM8 4l5 4-5 4z',
};

/* In the order in which they are listed: what needs somebody comes first. */
const STATES = {
  failed: ['bad', 'cross'],
  crashed: ['bad', 'bolt'],
  blocked: ['held', 'lock'],
  paused: ['held', 'pause'],
  cancelling: ['held', 'slash'],
  running: ['active', 'play'],
  pending: ['active', 'dots'],
  scheduled: ['plain', 'clock'],
  waiting: ['plain', 'ring'],
  completed: ['good', 'check'],
  cancelled: ['plain', 'slash'],
  skipped: ['plain', 'skip'],
  never_run: ['plain', 'ring'],
};
const ENDED = ['completed', 'failed', 'crashed', 'cancelled', 'skipped'];

export const STATE_NAMES = Object.keys(STATES);
export const hasEnded = (state) => ENDED.includes(state);
export const toneOf = (state) => STATES[state]?.[0] ?? 'plain';
export const words = (name) => String(name ?? '').replaceAll('_', ' ');

export const shapeOf = (state) => SHAPES[STATES[state]?.[1] ?? 'ring'];
export const icon = (state) => svg('svg', { class: 'icon', viewBox: '0 0 16 16', 'aria-hidden': 'true' }, svg('path', { d: shapeOf(state) }));
export const badge = (state, more) => html('span', { class: `state pill tone-${toneOf(state)}` }, icon(state), ' ', words(state), more ? ` · ${words(more)}` : '');
