/* SPDX-License-Identifier: Apache-2.0 */
/* The API's own description in Swagger UI. HEAD, which is there wherever GET is, is left out: it would double the list. */
const KEPT_AS = 'sendpost.token'; // by the status page, for as long as the tab is open

const dark = matchMedia('(prefers-color-scheme: dark)');

function follow() {
  document.documentElement.classList.toggle('dark-mode', dark.matches);
}

async function description() {
  const answer = await fetch('v1/openapi.json');
  if (!answer.ok) throw new Error(`v1/openapi.json: ${answer.status}`);
  const document = await answer.json();
  for (const path of Object.values(document.paths)) delete path.head;
  const root = new URL('.', location.href);
  if (root.pathname === '/') delete document.servers; // else a proxy has it below a path
  else document.servers = [{ url: root.href.replace(/\/$/, '') }];
  return document;
}

function show(spec) {
  const token = sessionStorage.getItem(KEPT_AS);
  const viewer = window.SwaggerUIBundle({
    spec,
    dom_id: '#viewer',
    deepLinking: true,
    validatorUrl: null,
    onComplete: () => token && viewer.preauthorizeApiKey('token', token),
  });
}

dark.addEventListener('change', follow);
follow();
description().then(show, (wrong) => {
  document.getElementById('viewer').textContent = `The description of the API cannot be read: ${wrong.message}`;
});
