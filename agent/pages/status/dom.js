/* SPDX-License-Identifier: Apache-2.0 */
/* Elements from names, attributes and children. Whatever comes from elsewhere becomes text or the value of an attribute,
 * never markup. patch() makes what is shown like what is wanted, so that focus, scrolling and what is being typed stay. */
const SVG = 'http://www.w3.org/2000/svg';
const HANDLERS = ['onclick', 'oninput', 'onchange', 'onsubmit', 'ontoggle'];

/* What is not there keeps its place, so that what comes after it is known again when it is. */
const isNothing = (child) => child === null || child === undefined || child === false;

function build(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (HANDLERS.includes(name)) element[name] = value;
    else if (name === 'style') for (const [property, text] of Object.entries(value)) element.style.setProperty(property, text);
    else element.setAttribute(name, value === true ? '' : value);
  }
  element.append(...children.flat(Infinity).map((child) => (isNothing(child) ? document.createComment('') : child)));
  return element;
}

export const html = (name, attributes = {}, ...children) => build(document.createElement(name), attributes, children);
export const svg = (name, attributes = {}, ...children) => build(document.createElementNS(SVG, name), attributes, children);

/* A link out of the page. An address that a browser would run instead of open is shown as text. */
export function outside(address, ...children) {
  const safe = /^https?:\/\//i.test(address ?? '');
  return safe ? html('a', { href: address, rel: 'noreferrer', target: '_blank' }, ...children) : html('span', {}, ...children);
}

const keyOf = (node) => node.dataset?.key;
const alike = (one, other) => one.nodeType === other.nodeType && one.nodeName === other.nodeName && keyOf(one) === keyOf(other);

/* Whether details are open is up to who reads them. */
const isOurs = (node, name) => name !== 'style' && !(name === 'open' && node.nodeName === 'DETAILS');

function patchAttributes(shown, wanted) {
  for (const { name } of [...shown.attributes]) {
    if (isOurs(shown, name) && !wanted.hasAttribute(name)) shown.removeAttribute(name);
  }
  for (const { name, value } of wanted.attributes) {
    if (isOurs(shown, name) && shown.getAttribute(name) !== value) shown.setAttribute(name, value);
  }
  // The policy forbids the attribute, not the object behind it.
  if (shown.style.cssText !== wanted.style.cssText) shown.style.cssText = wanted.style.cssText;
  for (const handler of HANDLERS) shown[handler] = wanted[handler];
}

function patchChildren(parent, wanted) {
  const keyed = new Map([...parent.children].filter(keyOf).map((child) => [keyOf(child), child]));
  let place = parent.firstChild;
  for (const child of [...wanted.childNodes]) {
    const known = keyOf(child) ? keyed.get(keyOf(child)) : place;
    if (known && alike(known, child)) {
      if (known === place) place = place.nextSibling;
      else parent.insertBefore(known, place);
      patch(known, child);
    } else if (keyOf(child) || !place || keyOf(place)) {
      parent.insertBefore(child, place);
    } else {
      const next = place.nextSibling;
      place.replaceWith(child);
      place = next;
    }
  }
  while (place) {
    const next = place.nextSibling;
    place.remove();
    place = next;
  }
}

export function patch(shown, wanted) {
  if (shown.nodeType !== Node.ELEMENT_NODE) {
    if (shown.data !== wanted.data) shown.data = wanted.data;
    return;
  }
  patchAttributes(shown, wanted);
  patchChildren(shown, wanted);
}
