/* SPDX-License-Identifier: Apache-2.0 */
/* A form from the declared parameters. What is left empty is not sent, so that the default counts. The form has one idempotency key:
 * however often it is sent, one run starts. */
import { Problem, newKey, post } from './api.js';
import { ask } from './dialog.js';
import { html } from './dom.js';
import { ZONE } from './format.js';

/* What is no number that stays what it is goes as text: the agent says what is wrong with it. */
const READERS = {
  string: (text) => text,
  integer: (text) => (Number.isSafeInteger(Number(text)) ? Number(text) : text),
  number: (text) => (Number.isFinite(Number(text)) ? Number(text) : text),
  boolean: (text) => text === 'true',
  array: JSON.parse,
  object: JSON.parse,
};

/* "/parameters/a~1b" (RFC 6901) → ["parameters", "a/b"]. */
const unescape = (pointer) => pointer.split('/').slice(1).map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));

function input(parameter, attributes) {
  const choices = parameter.enum?.map((value) => [JSON.stringify(value), typeof value === 'string' ? value : JSON.stringify(value)])
    ?? (parameter.type === 'boolean' ? [['true', 'true'], ['false', 'false']] : null);
  if (choices) {
    return html('select', attributes, html('option', { value: '' }, parameter.required ? 'Please choose' : 'default'), choices.map(([value, text]) => html('option', { value }, text)));
  }
  if (parameter.type === 'array' || parameter.type === 'object') return html('textarea', { ...attributes, rows: 3, spellcheck: 'false' });
  const numeric = { integer: 'numeric', number: 'decimal' }[parameter.type];
  return html('input', { ...attributes, type: 'text', inputmode: numeric, autocomplete: 'off' });
}

function hint(parameter) {
  const byDefault = parameter.default === null ? null : typeof parameter.default === 'string' ? parameter.default : JSON.stringify(parameter.default);
  const kind = { array: 'A list as JSON', object: 'An object as JSON', integer: 'A whole number', number: 'A number' }[parameter.type];
  return [parameter.description, kind, byDefault !== null && `Default: ${byDefault}`, parameter.required && 'Required'].filter(Boolean).join('. ');
}

/* One labelled field, its hint and the place for what is wrong with it. */
function field(name, label, pointer, control, text) {
  const id = `field-${name}`;
  const made = control({ id, name, 'data-pointer': pointer, 'aria-describedby': `${id}-hint ${id}-error` });
  return html('div', { class: 'field' }, html('label', { for: id }, label), made,
    html('p', { class: 'hint', id: `${id}-hint` }, text), html('p', { class: 'problem', id: `${id}-error` }));
}

const byParameter = (parameter, index) => field(`parameter-${index}`, parameter.name, `/parameters/${parameter.name}`, (attributes) => input(parameter, attributes), hint(parameter));

function moreFields() {
  const moment = (attributes) => html('input', { ...attributes, type: 'datetime-local', step: 1 });
  return html('details', {}, html('summary', {}, 'More'),
    field('reason', 'Reason', '/reason', (attributes) => html('input', { ...attributes, type: 'text', maxlength: 1024 }), 'Kept with the run'),
    field('for', 'The time that it is for', '/for', moment, `In ${ZONE}. Default: now`),
    field('start_at', 'Start at', '/start_at', moment, `In ${ZONE}. Default: at once`),
    html('div', { class: 'field' }, html('label', { class: 'check' }, html('input', { type: 'checkbox', name: 'paused' }), ' Start paused, to go step by step')));
}

function read(parameter, text) {
  try {
    return parameter.enum ? JSON.parse(text) : READERS[parameter.type](text);
  } catch {
    return text; // the agent says what is wrong with it
  }
}

function bodyOf(form, parameters) {
  const body = { parameters: {} };
  parameters.forEach((parameter, index) => {
    const text = form.elements[`parameter-${index}`].value;
    const isEmpty = (parameter.type === 'string' ? text : text.trim()) === '';
    if (!isEmpty) body.parameters[parameter.name] = read(parameter, text);
  });
  if (form.elements.reason.value) body.reason = form.elements.reason.value;
  for (const name of ['for', 'start_at']) if (form.elements[name].value) body[name] = new Date(form.elements[name].value).toISOString();
  if (form.elements.paused.checked) body.paused = true;
  return body;
}

/* What the agent says about a field stands at the field. Returns what is about none. */
function showErrors(form, errors) {
  for (const control of form.querySelectorAll('[data-pointer]')) {
    const found = errors.filter((error) => unescape(error.pointer).join('\n') === unescape(control.dataset.pointer).join('\n'));
    control.toggleAttribute('aria-invalid', found.length > 0);
    if (found.length) {
      control.setAttribute('aria-invalid', 'true');
      control.closest('details')?.setAttribute('open', '');
    }
    document.getElementById(`${control.id}-error`).textContent = found.map((error) => error.detail).join('; ');
    errors = errors.filter((error) => !found.includes(error));
  }
  return errors;
}

/* The id of the run that it started, or null. */
export async function askToRun(sendpost) {
  const key = newKey();
  let started = null;
  await ask({
    title: `Run ${sendpost.name}`,
    content: [sendpost.parameters.length === 0 && html('p', {}, 'It takes no parameters.'), sendpost.parameters.map(byParameter), moreFields()],
    confirm: 'Run',
    submit: async (form) => {
      showErrors(form, []);
      try {
        started = (await post(`v1/sendposts/${encodeURIComponent(sendpost.name)}/run`, bodyOf(form, sendpost.parameters), key)).id;
      } catch (error) {
        if (!(error instanceof Problem) || !error.body.errors?.length) throw error;
        const rest = showErrors(form, error.body.errors);
        throw new Error(rest.length ? rest.map((one) => `${one.pointer}: ${one.detail}`).join('; ') : 'Some values do not fit: see above.', { cause: error });
      }
    },
  });
  return started;
}
