/* SPDX-License-Identifier: Apache-2.0 */
/* The page: which view the address names, when it is drawn again, and whether the agent is still there. */
import { agent } from './agent_status.js';
import { Problem, Unreachable, session } from './api.js';
import { DefinitionView } from './definition_view.js';
import { html, patch } from './dom.js';
import { Events } from './events.js';
import { ZONE, offset } from './format.js';
import { ListView } from './list_view.js';
import { Notices } from './notices.js';
import { RunView } from './run_view.js';
import { SendpostView } from './sendpost_view.js';

const GATHER_MS = 250; // events that come together are one change
const TICK_MS = 1_000;
const STREAM_MS = 2_000; // that the first view waits for the stream
const REST = 5; // at most a part of the time, one in so many, goes into drawing: hundreds of stages take a while
const TRY_AGAIN_MS = 3_000;
const LOOK_AGAIN_MS = 30_000; // what no event tells: messages, what time alone changes
const ROUTES = [
  [/^\/runs\/([^/]+)$/, RunView],
  [/^\/sendposts\/([^/]+)$/, SendpostView],
  [/^\/sendposts\/([^/]+)\/definition$/, DefinitionView],
  [/^\/?$/, ListView],
];

const notices = new Notices();
const content = document.getElementById('content');
let view = null;
let drawn = null; // the view that is seen
let gathered = [];
let gathering = 0;
let reading = false;
let isStale = false;
let begun = false;
let drawingMs = 0;
let width = window.innerWidth;

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // nothing has such a name
  }
}

/* A view: load() and refresh(events) ask the agent, draw() gives what is to be seen, concerns(event), title, isLive: it shows time as it passes;
 * looksAgain: no event tells all that changes in it; shown(), once it is seen. */
function route() {
  const [path, query = ''] = location.hash.replace(/^#/, '').split('?');
  const [pattern, View] = ROUTES.find(([known]) => known.test(path)) ?? ROUTES.at(-1);
  const names = (pattern.exec(path) ?? []).slice(1).map(decoded);
  return new View(names[0], new URLSearchParams(query), draw);
}

function draw() {
  if (!view?.loaded) return;
  const began = performance.now();
  const before = drawn;
  const wanted = html('main', { id: 'content', tabindex: '-1' }, view.draw());
  if (view !== before) content.replaceChildren();
  patch(content, wanted);
  document.title = `${view.title} · sendpost`;
  drawn = view;
  if (view !== before) arrive(before === null);
  drawingMs = performance.now() - began;
}

/* Once for each view: what comes later leaves it to the reader where to look, and what to type. */
function arrive(isFirst) {
  window.scrollTo(0, 0);
  view.shown?.();
  if (!isFirst) content.querySelector('h1')?.focus({ preventScroll: true });
}

const pace = (milliseconds) => Math.max(milliseconds, REST * drawingMs);

function tick() {
  if (view?.isLive && !notices.lostSince && !document.hidden) draw();
  setTimeout(tick, pace(TICK_MS));
}

async function readStatus() {
  await agent.read();
  notices.draw();
}

async function show() {
  const next = route();
  view = next;
  gathered = [];
  try {
    await view.load();
  } catch (error) {
    if (view === next) showFailure(error);
    return;
  }
  if (view === next) draw();
}

function showFailure(error) {
  if (!(error instanceof Problem || error instanceof Unreachable)) throw error;
  const known = error instanceof Problem && error.status === 404;
  content.replaceChildren(html('h1', { tabindex: '-1' }, known ? 'Not here' : 'That did not work'), html('p', {}, error.message),
    html('p', {}, html('a', { href: '#/' }, 'All sendposts')));
  document.title = 'sendpost';
}

/* One question at a time, about all that was gathered meanwhile. What could not be read now is read a little later; what is gone is said. */
async function refresh() {
  if (reading || !view) return;
  const asked = view;
  const events = gathered;
  gathered = [];
  isStale = false;
  reading = true;
  try {
    await (asked.loaded ? asked.refresh(events) : asked.load());
    notices.answered();
    draw();
  } catch (error) {
    if (asked !== view) return;
    const mayComeBack = error instanceof Unreachable || (error instanceof Problem && error.status !== 404);
    asked.loaded &&= mayComeBack;
    if (!asked.loaded) showFailure(error);
    else gather(TRY_AGAIN_MS);
  } finally {
    reading = false;
    if (isStale) gather();
  }
}

/* Not put off by further events: a busy agent is looked at again and again. */
function gather(milliseconds = GATHER_MS) {
  isStale = true;
  gathering ||= setTimeout(() => {
    gathering = 0;
    refresh();
  }, pace(milliseconds));
}

function happened(event) {
  if (event.type.startsWith('prefect.')) readStatus().catch(() => {});
  if (!view?.concerns(event)) return;
  gathered.push(event);
  gather();
}

function lookAgain() {
  const isSeen = !notices.lostSince && !document.hidden;
  if (isSeen) readStatus().catch(() => {});
  if (isSeen && view?.looksAgain) gather();
  else draw();
}

/* What is read after the stream has begun misses nothing. */
function begin() {
  if (begun) return;
  begun = true;
  show();
}

const events = new Events({
  event: happened,
  open: () => {
    notices.hear(null);
    readStatus().catch(() => {});
    gathered = [];
    if (begun) gather();
    else begin();
  },
  lost: (since) => {
    notices.hear(since);
    if (begun) gather();
    else begin();
  },
  refused: () => readStatus().then(() => events.start(), showFailure),
});

session.addEventListener('change', () => {
  document.getElementById('sign-out').hidden = !session.token;
  draw();
});
document.getElementById('sign-out').addEventListener('click', () => {
  session.token = null;
  location.reload();
});
document.getElementById('zone').textContent = `Times are in ${ZONE} (${offset()}), the zone of this browser, unless another one stands beside them.`;
document.getElementById('sign-out').hidden = !session.token;
document.querySelector('.skip').addEventListener('click', (event) => {
  event.preventDefault();
  content.focus();
});
window.addEventListener('hashchange', () => begun && show());
tick();
setTimeout(begin, STREAM_MS);
setInterval(lookAgain, LOOK_AGAIN_MS);
window.addEventListener('resize', () => {
  if (window.innerWidth !== width) draw();
  width = window.innerWidth;
});
events.start();
