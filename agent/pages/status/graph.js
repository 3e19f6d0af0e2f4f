/* SPDX-License-Identifier: Apache-2.0 */
/* A sendpost's stages as a drawing: from left to right, or from the top down where there is little room. Each list of stages is laid out in
 * ranks, by what needs what; a stage with stages of its own is a frame around their layout. Lengths go the way of the drawing, breadths
 * across it. */
import { svg } from './dom.js';
import { duration } from './format.js';
import { shapeOf, toneOf, words } from './states.js';

const ACROSS = { isDown: false, box: { length: 168, breadth: 46 }, gap: { length: 36, breadth: 14 }, nameMax: 16, aboutMax: 21 };
const DOWN = { isDown: true, box: { length: 46, breadth: 142 }, gap: { length: 26, breadth: 10 }, nameMax: 14, aboutMax: 17 }; // characters that fit in a box
const FRAME = { side: 12, top: 26, bottom: 12 };
const LANE = { length: 0, breadth: 6 };
const LANES_MAX = 2000; // what is more entangled than that is no drawing to follow an edge in
const MARGIN = 4;
const FAN = { tall: 8, columns: 4 }; // boxes in a column, and columns when there are more
const LEAST_SCALE = 0.85; // below that its words are too small

const cut = (text, most) => (text.length > most ? `${text.slice(0, most - 1)}…` : text);
const sum = (numbers) => numbers.reduce((total, number) => total + number, 0);
const middleOf = (item) => item.at + item.breadth / 2;

/* The stage of this list that is, or holds, the one with that path. */
const holderOf = (stages, path) => stages.find((stage) => path === stage.path || path.startsWith(`${stage.path}/`));

/* What it and those within need: [who, what]. */
const needsOf = (stage) => [...stage.needs.map((path) => [stage.path, path]), ...stage.stages.flatMap(needsOf)];

/* The rank of each: one after all that it needs. What needs itself through the inside of others counts once. */
function ranksOf(stages) {
  const ranks = new Map();
  const find = (stage) => {
    if (ranks.has(stage)) return ranks.get(stage);
    ranks.set(stage, 0);
    const before = needsOf(stage).map(([, path]) => holderOf(stages, path)).filter((other) => other && other !== stage);
    ranks.set(stage, Math.max(-1, ...before.map(find)) + 1);
    return ranks.get(stage);
  };
  stages.forEach(find);
  return ranks;
}

/* Between members of this list, or of what they hold; each is an edge of one list only. */
function edgesOf(stages) {
  return stages.flatMap((stage) => needsOf(stage).map(([to, from]) => ({ from, to, before: holderOf(stages, from), after: stage })))
    .filter(({ before, after }) => before && before !== after);
}

/* An edge that passes by a rank has a lane there, so that it runs through nobody's box. */
function addLanes(ranks, items, edges) {
  const lanes = new Map();
  let left = LANES_MAX;
  const add = (before, after) => {
    const via = [];
    let previous = items.get(before);
    for (let rank = previous.rank + 1; rank < items.get(after).rank && left > 0; rank++, left--) {
      const lane = { ...LANE, before: [previous] };
      ranks[rank].push(lane);
      via.push(lane);
      previous = lane;
    }
    items.get(after).before.push(previous);
    return via;
  };
  for (const edge of edges) {
    const key = `${edge.before.path}\n${edge.after.path}`;
    if (!lanes.has(key)) lanes.set(key, add(edge.before, edge.after));
    edge.via = lanes.get(key);
  }
  return [...lanes.values()].flat();
}

function pull(item) {
  const placed = item.before.filter((one) => one.at !== undefined);
  return placed.length ? sum(placed.map(middleOf)) / placed.length : 0;
}

/* Side by side about the middle, each near to what it comes after. */
function placeRank(members, start, plan) {
  if (start > 0) members.sort((one, other) => pull(one) - pull(other));
  const length = Math.max(...members.map((item) => item.length));
  let at = -(sum(members.map((item) => item.breadth)) + plan.gap.breadth * (members.length - 1)) / 2;
  for (const item of members) {
    Object.assign(item, { start, at, end: start + length });
    at += item.breadth + plan.gap.breadth;
  }
  return start + length;
}

/* What needs nothing of one another goes on in a further row when there is no more room. */
function placeFan(items, room, plan) {
  const isMany = items.length > FAN.tall && items.every((item) => !item.inner);
  const inOne = isMany ? Math.max(FAN.tall, Math.ceil(items.length / FAN.columns)) : items.length;
  const most = plan.isDown ? room : inOne * (plan.box.breadth + plan.gap.breadth);
  let [start, at, length] = [0, 0, 0];
  for (const item of items) {
    if (at > 0 && (plan.isDown || isMany) && at + item.breadth > most) [start, at, length] = [start + length + plan.gap.breadth, 0, 0];
    Object.assign(item, { start, at, end: start + item.length });
    length = Math.max(length, item.length);
    at += item.breadth + plan.gap.breadth;
  }
}

/* Gives each stage its place relative to its list. */
function layOut(stages, room, plan) {
  const rankOf = ranksOf(stages);
  const items = new Map(stages.map((stage) => [stage, { stage, rank: rankOf.get(stage), before: [], ...sizeOf(stage, room - 2 * FRAME.side, plan) }]));
  const ranks = Array.from({ length: Math.max(...rankOf.values()) + 1 }, () => []);
  for (const item of items.values()) ranks[item.rank].push(item);
  const edges = edgesOf(stages);
  const lanes = addLanes(ranks, items, edges);
  if (ranks.length === 1) placeFan(ranks[0], room, plan);
  else ranks.reduce((start, members) => placeRank(members, start, plan) + plan.gap.length, 0);
  const all = [...items.values(), ...lanes];
  const least = Math.min(...all.map((item) => item.at));
  for (const item of all) item.at -= least;
  return { items: [...items.values()], lanes, edges, length: Math.max(...all.map((item) => item.end)), breadth: Math.max(...all.map((item) => item.at + item.breadth)) };
}

function sizeOf(stage, room, plan) {
  if (!stage.stages.length) return plan.box;
  const inner = layOut(stage.stages, room, plan);
  const [sides, ends] = [2 * FRAME.side, FRAME.top + FRAME.bottom];
  return { inner, length: inner.length + (plan.isDown ? ends : sides), breadth: inner.breadth + (plan.isDown ? sides : ends) };
}

/* Where everything stands in the whole drawing, by path; and all edges. */
function settle(layout, start, at, plan, drawing = { places: new Map(), edges: [] }) {
  const [ahead, aside] = plan.isDown ? [FRAME.top, FRAME.side] : [FRAME.side, FRAME.top];
  for (const item of [...layout.items, ...layout.lanes]) {
    item.start += start;
    item.end += start;
    item.at += at;
  }
  for (const item of layout.items) {
    drawing.places.set(item.stage.path, item);
    if (item.inner) settle(item.inner, item.start + ahead, item.at + aside, plan, drawing);
  }
  drawing.edges.push(...layout.edges);
  return drawing;
}

/* Straight to the end of its rank, where nothing stands in the way, then curved, lane by lane. */
function edge({ from, to, via }, places, plan) {
  const [before, after] = [places.get(from), places.get(to)];
  if (!before || !after) return null;
  const point = (along, across) => (plan.isDown ? `${across} ${along}` : `${along} ${across}`);
  let [along, across] = [before.end, middleOf(before)];
  let path = `M${point(before.start + before.length, across)}L${point(along, across)}`;
  for (const step of [...via, { ...after, start: after.start - 2, end: after.start - 2 }]) {
    const bend = Math.max(plan.gap.length, Math.abs(step.start - along)) / 2;
    path += `C${point(along + bend, across)} ${point(step.start - bend, middleOf(step))} ${point(step.start, middleOf(step))}`;
    [along, across] = [step.end, middleOf(step)];
    if (step.end > step.start) path += `L${point(along, across)}`;
  }
  return svg('path', { class: 'edge', d: path, 'marker-end': 'url(#arrow)' });
}

const cornerOf = (item, plan) => (plan.isDown ? [item.at, item.start] : [item.start, item.at]);
const sidesOf = (size, plan) => (plan.isDown ? [size.breadth, size.length] : [size.length, size.breadth]);

function frame(item, plan) {
  const [x, y] = cornerOf(item, plan);
  const [width, height] = sidesOf(item, plan);
  return svg('g', {}, svg('title', {}, item.stage.path), svg('rect', { class: 'frame', x, y, width, height, rx: 8 }),
    svg('text', { class: 'small', x: x + FRAME.side, y: y + 17 }, cut(item.stage.name, plan.nameMax)));
}

function box(item, plan) {
  const { stage } = item;
  const [x, y] = cornerOf(item, plan);
  const [width, height] = sidesOf(item, plan);
  const about = stage.last_duration_seconds === null ? words(stage.state) : `${words(stage.state)}, ${duration(stage.last_duration_seconds)}`;
  return svg('g', { class: `tone-${toneOf(stage.state)}` },
    svg('title', {}, `${stage.path}: ${about}`),
    svg('rect', { class: 'box', x, y, width, height, rx: 6 }),
    svg('path', { class: 'shape', d: shapeOf(stage.state), transform: `translate(${x + 8} ${y + 15})` }),
    svg('text', { x: x + 31, y: y + 20 }, cut(stage.name, plan.nameMax)),
    svg('text', { class: 'small', x: x + 31, y: y + 36 }, cut(about, plan.aboutMax)));
}

/* room: how wide it may be if it goes down; null: it goes across. */
export function graph(stages, label, room) {
  const plan = room === null ? ACROSS : DOWN;
  const layout = layOut(stages, (room ?? 0) - 2 * MARGIN, plan);
  const { places, edges } = settle(layout, MARGIN, MARGIN, plan);
  const [width, height] = sidesOf(layout, plan).map((side) => side + 2 * MARGIN);
  const items = [...places.values()];
  return svg('svg', { class: 'graph', role: 'img', 'aria-label': label, width, height, viewBox: `0 0 ${width} ${height}`, style: { 'min-width': `${Math.round(width * LEAST_SCALE)}px` } },
    svg('defs', {}, svg('marker', { id: 'arrow', viewBox: '0 0 6 6', refX: 5, refY: 3, markerWidth: 7, markerHeight: 7, orient: 'auto' }, svg('path', { class: 'head', d: 'M0 0L6 3L0 6z' }))),
    items.filter((item) => item.inner).map((item) => frame(item, plan)), edges.map((one) => edge(one, places, plan)),
    items.filter((item) => !item.inner).map((item) => box(item, plan)));
}
