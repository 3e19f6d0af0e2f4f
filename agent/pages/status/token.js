/* SPDX-License-Identifier: Apache-2.0 */
/* Asks once for a token, however many requests wait for it. */
import { html } from './dom.js';
import { ask } from './dialog.js';

let asking = null;

async function question(wasRefused) {
  let token = null;
  const field = html('input', { id: 'token', type: 'password', autocomplete: 'current-password', required: true, autofocus: true, 'aria-describedby': 'token-hint' });
  await ask({
    title: 'Token',
    content: [
      html('p', {}, wasRefused ? 'The agent does not accept this token. Another one, please.' : 'This agent asks who you are.'),
      html('div', { class: 'field' }, html('label', { for: 'token' }, 'Token'), field,
        html('p', { class: 'hint', id: 'token-hint' }, 'It is kept until this tab is closed, and sent to this agent only.')),
    ],
    confirm: 'Continue',
    mustAnswer: true,
    submit: async () => {
      token = field.value.trim();
      if (!/^[!-~]+$/.test(token)) throw new Error(token ? 'This cannot be a token.' : 'The token is missing.');
    },
  });
  return token;
}

export function askForToken(wasRefused) {
  asking ??= question(wasRefused).finally(() => {
    asking = null;
  });
  return asking;
}
