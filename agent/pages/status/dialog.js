/* SPDX-License-Identifier: Apache-2.0 */
/* One question at a time, in a dialog of the browser's own: it keeps the focus within, and gives it back. */
import { html } from './dom.js';

let asked = 0; // a token may be wanted while another question stands

/* Shows a form. `submit` does what was confirmed: the dialog closes when it is done, and says what it throws. Returns a promise of
 * whether it was done. */
export function ask({ title, content, confirm, danger = false, submit, mustAnswer = false }) {
  const { promise, resolve } = Promise.withResolvers();
  const problem = html('p', { class: 'problem', role: 'alert' });
  const go = html('button', { type: 'submit', class: danger ? 'danger' : 'primary' }, confirm);
  const titleId = `dialog-title-${++asked}`;
  const dialog = html('dialog', { 'aria-labelledby': titleId });
  let answered = false;
  const close = (done) => {
    answered = true;
    dialog.close();
    dialog.remove();
    resolve(done);
  };
  const form = html('form', { novalidate: true, method: 'dialog' },
    html('h2', { id: titleId }, title), content, problem,
    html('div', { class: 'buttons' }, go, mustAnswer ? null : html('button', { type: 'button', onclick: () => close(false) }, 'Close')));
  form.onsubmit = async (event) => {
    event.preventDefault();
    if (go.disabled) return;
    go.disabled = true;
    problem.textContent = '';
    try {
      await submit(form);
      close(true);
    } catch (error) {
      problem.textContent = error.message;
      go.disabled = false;
      form.querySelector('[aria-invalid]')?.focus();
    }
  };
  dialog.addEventListener('close', () => {
    if (answered) return;
    if (mustAnswer) dialog.showModal();
    else close(false);
  });
  dialog.append(form);
  document.body.append(dialog);
  dialog.showModal();
  return promise;
}
