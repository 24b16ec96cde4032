// The audit log, the newest events first.

import { $, askJson, dayBegins, el, filter, when } from './lib.js';

const NAMES = [
  'user.login', 'session.start', 'session.end', 'session.data', 'session.recording.access', 'session.recording.failed',
  'session.recording.key_rotated', 'exec', 'port', 'kube.request', 'auth', 'cert.create', 'role.created', 'role.deleted', 'github.created', 'github.deleted', 'user.delete',
];
/** Keys that stand in columns of their own, or say nothing to a person. */
const PLAIN = new Set(['event', 'time', 'user', 'uid', 'ei', 'code', 'namespace', 'cluster_name', 'login', 'proto', 'addr.local']);

/** Keys that a person looks for first. */
const FIRST = ['error', 'command', 'kubernetes_pod_name'];

const [table, status, more] = [$('#list'), $('#status'), $('#more')];
const body = $('tbody', table);
let asked = new URLSearchParams();
let next = null;
let turn = 0;

$('#events').append(...NAMES.map((value) => el('option', { value })));

function summary(event) {
  // The HTTP method says less than the verb of Kubernetes, and both would be called so.
  const left = (key) => PLAIN.has(key) || (key === 'verb' && event.kubernetes_verb);
  const parts = Object.entries(event).filter(([key, value]) => !left(key) && value !== '' && typeof value !== 'object');
  const rank = ([key]) => (FIRST.indexOf(key) + FIRST.length + 1) % (FIRST.length + 1);
  parts.sort((one, other) => rank(one) - rank(other));
  return parts.slice(0, 5).map(([key, value]) => `${key.replace(/^kubernetes_/, '')}: ${value}`).join(' · ');
}

function row(event) {
  const cell = (label, ...content) => el('td', { 'data-label': label }, ...content);
  const failed = event.success === false || event.code?.endsWith('W') || event.code?.endsWith('E');
  const what = el(
    'details',
    {},
    el('summary', {}, summary(event) || event.code || 'all of it'),
    el('pre', { tabindex: 0 }, JSON.stringify(event, null, 2)),
  );
  const session = event.sid && /^session\.|^exec$/.test(event.event) ? el('a', { href: `/web/sessions/${event.sid}` }, 'Open the session') : null;
  if (session) what.append(el('p', {}, session));
  return el(
    'tr',
    { class: failed ? 'failed' : '' },
    cell('When', when(event.time)),
    cell('Event', el('code', {}, event.event), failed ? el('span', { class: 'state bad' }, 'failed') : null),
    cell('Person', event.user ?? ''),
    cell('What', what),
  );
}

function query(after) {
  const all = new URLSearchParams(asked);
  if (all.has('from')) all.set('from', dayBegins(all.get('from')));
  if (all.has('to')) all.set('to', dayBegins(all.get('to'), 1));
  if (after) all.set('after', after);
  return `/web/api/events?${all}`;
}

async function load(after) {
  const mine = ++turn;
  more.disabled = true;
  try {
    const page = await askJson(query(after));
    if (mine !== turn) return;
    const rows = page.events.map(row);
    if (after) body.append(...rows);
    else body.replaceChildren(...rows);
    if (after) $('summary', rows[0])?.focus();
    next = page.next;
    const count = body.children.length;
    table.hidden = count === 0;
    more.hidden = !next;
    status.classList.remove('bad');
    status.textContent =
      count === 0 ? 'No event fits the filter. Without “From”, the last 30 days are looked through.' : `${count} ${count === 1 ? 'event' : 'events'}${next ? ', and more' : ''}`;
  } catch (error) {
    if (mine !== turn) return;
    status.classList.add('bad');
    status.textContent = error.message;
  } finally {
    more.disabled = false;
  }
}

more.addEventListener('click', () => load(next));
filter($('#filter'), (wished) => {
  asked = wished;
  load(null);
});
