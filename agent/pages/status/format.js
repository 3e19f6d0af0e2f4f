/* SPDX-License-Identifier: Apache-2.0 */
/* Times and durations for people. Times are shown in the browser's zone, which the foot of the page names, unless a zone stands
 * beside them; the exact instant is in each element. */
import { html } from './dom.js';

export const ZONE = Intl.DateTimeFormat().resolvedOptions().timeZone || 'UTC';
const STEPS = [['day', 86400], ['hour', 3600], ['minute', 60], ['second', 1]];
const RELATIVE = new Intl.RelativeTimeFormat('en', { numeric: 'auto' });
const formats = new Map();

function format(zone, options) {
  const key = zone + JSON.stringify(options);
  if (!formats.has(key)) {
    try {
      formats.set(key, new Intl.DateTimeFormat('en-GB', { ...options, timeZone: zone, hourCycle: 'h23' }));
    } catch {
      formats.set(key, new Intl.DateTimeFormat('en-GB', { ...options, timeZone: 'UTC', timeZoneName: 'short', hourCycle: 'h23' })); // a zone that this browser does not know
    }
  }
  return formats.get(key);
}

const DATE_AND_TIME = { weekday: 'short', day: 'numeric', month: 'short', year: 'numeric', hour: '2-digit', minute: '2-digit', second: '2-digit' };
const DATE_OF_THIS_YEAR = { ...DATE_AND_TIME, year: undefined };
const DAY_AND_TIME = { weekday: 'short', day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit' };
const DAY_OF_A_YEAR = { ...DAY_AND_TIME, year: 'numeric' };
const TIME_OF_DAY = { hour: '2-digit', minute: '2-digit', second: '2-digit' };
const MINUTE_OF_DAY = { hour: '2-digit', minute: '2-digit' };
const MINUTE_OF_WEEK = { weekday: 'short', hour: '2-digit', minute: '2-digit' };
const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
const HALF_A_YEAR_MS = 182 * DAY_MS;

const isNear = (milliseconds) => Math.abs(milliseconds - Date.now()) < HALF_A_YEAR_MS;

export const instant = (text) => (text ? Date.parse(text) : null);
export function dateAndTime(milliseconds, zone = ZONE) {
  const isOfThisYear = isNear(milliseconds) && new Date(milliseconds).getFullYear() === new Date().getFullYear();
  return format(zone, isOfThisYear ? DATE_OF_THIS_YEAR : DATE_AND_TIME).format(milliseconds);
}

export const dayAndTime = (milliseconds) => format(ZONE, isNear(milliseconds) ? DAY_AND_TIME : DAY_OF_A_YEAR).format(milliseconds);
export const timeOfDay = (milliseconds) => format(ZONE, TIME_OF_DAY).format(milliseconds);
/* As fine as marks on an axis need it that are so far apart. */
export const markTime = (milliseconds, stepMs, spanMs) => format(ZONE, spanMs > DAY_MS ? MINUTE_OF_WEEK : stepMs < MINUTE_MS ? TIME_OF_DAY : MINUTE_OF_DAY).format(milliseconds);
const utc = (text) => `${text.slice(0, 19).replace('T', ' ')} UTC`;

export function offset(zone = ZONE) {
  const parts = format(zone, { timeZoneName: 'longOffset' }).formatToParts(Date.now());
  return parts.find((part) => part.type === 'timeZoneName')?.value.replace('GMT', 'UTC') ?? '';
}

export function relative(milliseconds) {
  const seconds = Math.round((milliseconds - Date.now()) / 1000);
  const [unit, size] = STEPS.find(([, least]) => Math.abs(seconds) >= least) ?? STEPS.at(-1);
  return RELATIVE.format(Math.trunc(seconds / size), unit);
}

/* "26 Nov 2026, 14:05:09", with the instant in UTC for who points at it. */
export function time(text, zone) {
  if (!text) return html('span', { class: 'none' }, '–');
  return html('time', { datetime: text, title: utc(text) }, dateAndTime(instant(text), zone), zone ? ` ${zone}` : '');
}

/* "3 hours ago". */
export function ago(text) {
  if (!text) return html('span', { class: 'none' }, '–');
  return html('time', { datetime: text, title: `${dateAndTime(instant(text))} ${ZONE}, ${utc(text)}` }, relative(instant(text)));
}

/* 3.2 s, 4 min 5 s, 2 h 3 min, 1 d 4 h. */
export function duration(seconds) {
  if (seconds === null || seconds === undefined) return '–';
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  const [days, hours, minutes, rest] = [Math.floor(whole / 86400), Math.floor(whole / 3600) % 24, Math.floor(whole / 60) % 60, whole % 60];
  const parts = [[days, 'd'], [hours, 'h'], [minutes, 'min'], [rest, 's']];
  const first = parts.findIndex(([count]) => count > 0);
  return parts.slice(first, first + 2).filter(([count]) => count > 0).map(([count, unit]) => `${count} ${unit}`).join(' ');
}

/* Of something that has begun and perhaps not ended. */
export function lasted(thing) {
  if (thing.duration_seconds !== null && thing.duration_seconds !== undefined) return thing.duration_seconds;
  const began = instant(thing.started_at);
  return began ? Math.max(0, ((instant(thing.ended_at) ?? Date.now()) - began) / 1000) : null;
}
