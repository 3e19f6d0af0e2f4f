/* SPDX-License-Identifier: Apache-2.0 */
/* What the agent says of itself, as it was last read; several views show a part of it. */
import { get, session } from './api.js';

export const agent = {
  status: null,

  async read() {
    agent.status = await get('v1/status');
    if (agent.status.caller) session.allow(agent.status.caller.role === 'operator');
  },
};

/* What stands above every view, or beside the files that are broken. */
const SHOWN = ['journal_not_writable', 'prefect_unauthorised', 'prefect_certificate', 'prefect_wrong_url', 'prefect_unreachable', 'prefect_circuit_open', 'definition_broken'];

/* What somebody should do something about. */
export const problems = () => (agent.status?.problems ?? []).filter((one) => one.severity !== 'info' && !SHOWN.includes(one.code));

export const problemsOf = (sendpost, run) => problems().filter((one) => one.subject === run || one.subject.startsWith(`${sendpost}: stage `));

/* The paths of its stages that wait for somebody. */
export function waitingOf(sendpost) {
  const before = `${sendpost}: stage `;
  return (agent.status?.problems ?? []).filter((one) => one.code === 'stage_waits' && one.subject.startsWith(before)).map((one) => one.subject.slice(before.length));
}

/* What to do about Prefect, when it is away; else nothing. */
export const remedyOfPrefect = () => agent.status?.problems.find((one) => one.code.startsWith('prefect_') && SHOWN.includes(one.code))?.remedy;
