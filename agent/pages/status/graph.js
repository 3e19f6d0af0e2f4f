/* SPDX-License-Identifier: Apache-2.0 */
/* A sendpost's stages as a drawing, from left to right. Each list of stages is laid out in columns, by what needs what; a stage with
 * stages of its own is a frame around their layout. */
import { svg } from './dom.js';
import { duration } from './format.js';
import { shapeOf, toneOf, words } from './states.js';

const BOX = { width: 168, height: 46 };
const GAP = { x: 36, y: 14 };
const FRAME = { side: 12, top: 26, bottom: 12 };
const NAME_MAX = 19; // characters that fit in a box

const cut = (text) => (text.length > NAME_MAX ? `${text.slice(0, NAME_MAX - 1)}…` : text);

/* The stage of this list that is, or holds, the one with that path. */
const holderOf = (stages, path) => stages.find((stage) => path === stage.path || path.startsWith(`${stage.path}/`));

/* The column of each: one to the right of all that it needs. What needs itself through the inside of others counts once. */
function columnsOf(stages) {
  const columns = new Map();
  const find = (stage) => {
    if (columns.has(stage)) return columns.get(stage);
    columns.set(stage, 0);
    const before = needsWithin(stage).map((path) => holderOf(stages, path)).filter((other) => other && other !== stage);
    columns.set(stage, Math.max(-1, ...before.map(find)) + 1);
    return columns.get(stage);
  };
  stages.forEach(find);
  return columns;
}

const needsWithin = (stage) => [...stage.needs, ...stage.stages.flatMap(needsWithin)];

/* Gives each stage its place relative to its list. */
function layOut(stages) {
  const columns = columnsOf(stages);
  const placed = stages.map((stage) => ({ stage, column: columns.get(stage), ...sizeOf(stage) }));
  let x = 0;
  let height = 0;
  for (let column = 0; column <= Math.max(...columns.values()); column++) {
    const members = placed.filter((one) => one.column === column);
    const width = Math.max(...members.map((one) => one.width));
    let y = 0;
    for (const one of members) {
      Object.assign(one, { x, y, right: x + width });
      y += one.height + GAP.y;
    }
    height = Math.max(height, y - GAP.y);
    x += width + GAP.x;
  }
  for (const one of placed) {
    const members = placed.filter((other) => other.column === one.column);
    one.y += (height - members.reduce((sum, other) => sum + other.height + GAP.y, -GAP.y)) / 2;
  }
  return { placed, width: x - GAP.x, height };
}

function sizeOf(stage) {
  if (!stage.stages.length) return BOX;
  const inner = layOut(stage.stages);
  return { inner, width: inner.width + 2 * FRAME.side, height: inner.height + FRAME.top + FRAME.bottom };
}

/* Where everything stands in the whole drawing, by path. */
function settle({ placed }, left, top, places = new Map()) {
  for (const { stage, x, y, width, height, right, inner } of placed) {
    places.set(stage.path, { stage, x: left + x, y: top + y, width, height, right: left + right });
    if (inner) settle(inner, left + x + FRAME.side, top + y + FRAME.top, places);
  }
  return places;
}

/* Straight to the end of its column, where nothing stands in the way, then curved. */
function edge(from, to) {
  const [x1, y1, x2, y2] = [from.right, from.y + from.height / 2, to.x - 2, to.y + to.height / 2];
  const bend = Math.max(GAP.x, Math.abs(x2 - x1)) / 2;
  return svg('path', { class: 'edge', d: `M${from.x + from.width} ${y1}H${x1}C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}`, 'marker-end': 'url(#arrow)' });
}

function frame({ stage, x, y, width, height }) {
  return svg('g', {}, svg('rect', { class: 'frame', x, y, width, height, rx: 8 }), svg('text', { class: 'small', x: x + FRAME.side, y: y + 17 }, cut(stage.name)));
}

function box({ stage, x, y, width, height }) {
  const about = stage.last_duration_seconds === null ? words(stage.state) : `${words(stage.state)}, ${duration(stage.last_duration_seconds)}`;
  return svg('g', { class: `tone-${toneOf(stage.state)}` },
    svg('title', {}, `${stage.path}: ${about}`),
    svg('rect', { class: 'box', x, y, width, height, rx: 6 }),
    svg('path', { class: 'shape', d: shapeOf(stage.state), transform: `translate(${x + 10} ${y + 15})` }),
    svg('text', { x: x + 34, y: y + 20 }, cut(stage.name)),
    svg('text', { class: 'small', x: x + 34, y: y + 36 }, cut(about)));
}

export function graph(stages, label) {
  const layout = layOut(stages);
  const places = [...settle(layout, 4, 4).values()];
  const at = new Map(places.map((place) => [place.stage.path, place]));
  const edges = places.flatMap((to) => to.stage.needs.map((path) => at.get(path)).filter(Boolean).map((from) => edge(from, to)));
  const [width, height] = [layout.width + 8, layout.height + 8];
  return svg('svg', { class: 'graph', role: 'img', 'aria-label': label, width, height, viewBox: `0 0 ${width} ${height}` },
    svg('defs', {}, svg('marker', { id: 'arrow', viewBox: '0 0 6 6', refX: 5, refY: 3, markerWidth: 7, markerHeight: 7, orient: 'auto' }, svg('path', { class: 'head', d: 'M0 0L6 3L0 6z' }))),
    places.filter((place) => place.stage.stages.length).map(frame), edges, places.filter((place) => !place.stage.stages.length).map(box));
}
