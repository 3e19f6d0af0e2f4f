/* SPDX-License-Identifier: Apache-2.0 */
/* Asks the agent, with the token of this tab when there is one. An answer 401 asks for a token and then asks again. */
import { askForToken } from './token.js';

const KEPT_AS = 'sendpost.token';
const PATIENCE_MS = 30_000;

/* What the agent answered instead; body is its RFC 9457 problem. */
export class Problem extends Error {
  constructor(status, body) {
    super(body?.detail ?? body?.title ?? `the agent answered ${status}`);
    this.status = status;
    this.body = body ?? {};
  }
}

/* No answer came: nobody knows whether what was asked is done. */
export class Unreachable extends Error {}

/* Who uses the page. `change` is fired when it is found out what they may do. */
class Session extends EventTarget {
  mayOperate = true;

  get token() {
    return sessionStorage.getItem(KEPT_AS);
  }

  set token(token) {
    if (token) sessionStorage.setItem(KEPT_AS, token);
    else sessionStorage.removeItem(KEPT_AS);
    this.allow(true);
  }

  allow(mayOperate) {
    this.mayOperate = mayOperate;
    this.dispatchEvent(new Event('change'));
  }
}
export const session = new Session();

export function headers(more = {}) {
  return session.token ? { ...more, Authorization: `Bearer ${session.token}` } : more;
}

async function renewToken(refused) {
  if (session.token === refused) session.token = await askForToken(refused !== null);
}

async function send(path, options) {
  for (;;) {
    const used = session.token;
    let answer;
    try {
      answer = await fetch(path, { ...options, headers: headers(options.headers), signal: AbortSignal.timeout(PATIENCE_MS), cache: 'no-store' });
    } catch (error) {
      throw new Unreachable('The agent did not answer.', { cause: error });
    }
    if (answer.status !== 401) return answer;
    await renewToken(used);
  }
}

async function take(answer, read) {
  if (answer.ok) return read(answer);
  throw new Problem(answer.status, await answer.json().catch(() => null));
}

export const get = async (path) => take(await send(path, {}), (answer) => answer.json());
export const getText = async (path) => take(await send(path, {}), (answer) => answer.text());

/* One key for one intent: whoever asks twice gets the answer of the first time. */
export async function post(path, body, key) {
  const options = { method: 'POST', body: JSON.stringify(body), headers: { 'Content-Type': 'application/json', 'Idempotency-Key': key } };
  const answer = await send(path, options);
  if (answer.status === 403) session.allow(false);
  return take(answer, (accepted) => accepted.json());
}

/* crypto.randomUUID is only there over TLS and on this machine. */
export function newKey() {
  return `page-${[...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, '0')).join('')}`;
}

export async function* pages(path, member) {
  for (let cursor = ''; cursor !== null; ) {
    const answer = await get(cursor ? `${path}&cursor=${encodeURIComponent(cursor)}` : path);
    yield { cursor, items: answer[member] };
    cursor = answer.next;
  }
}
