// The list of sessions: live ones first, then the newest.

import { $, askJson, clock, dayBegins, el, filter, place, state, what, when } from './lib.js';

/** How many pages without a session that fits are asked for by themselves. */
const EMPTY_PAGES = 20;
const REFRESH = 15000;
/** When an answer that takes its time is told of. */
const SLOW = 400;

const [table, status, more] = [$('#list'), $('#status'), $('#more')];
const body = $('tbody', table);
let asked = new URLSearchParams();
let next = null;
let turn = 0;
let pages = 0;
/** How many questions the last answer took. */
let questions = 0;

function row({ state: stands, ...recording }) {
  const whole = { state: stands, ...recording };
  const length = stands === 'live' ? Date.now() - Date.parse(recording.started) : recording.duration;
  const link = el('a', { href: `/web/sessions/${recording.id}` }, when(recording.started));
  const cell = (label, ...content) => el('td', { 'data-label': label }, ...content);
  return el(
    'tr',
    { class: stands },
    cell('When', link),
    cell('Person', recording.user),
    cell('Where', place(recording)),
    cell('What', what(recording)),
    cell('Length', clock(length)),
    cell('State', ...state(whole)),
    cell('ID', el('code', { title: recording.id }, recording.id.slice(0, 8))),
  );
}

function query(extra) {
  const all = new URLSearchParams(asked);
  if (all.has('since')) all.set('since', dayBegins(all.get('since')));
  if (all.has('until')) all.set('until', dayBegins(all.get('until'), 1));
  for (const [name, value] of Object.entries(extra)) all.set(name, value);
  return `/web/api/recordings?${all}`;
}

async function livePage() {
  const wished = asked.get('state');
  if (wished && wished !== 'live') return [];
  return (await askJson(query({ state: 'live', limit: 1000 }))).recordings;
}

async function restPage(after) {
  const mine = turn;
  questions = 1;
  if (asked.get('state') === 'live') return { recordings: [] };
  // A page looks at so many sessions at most: it may have none that fits, and more behind it.
  let page = await askJson(query(after ? { after } : {}));
  // Not when something else is wished meanwhile.
  while (mine === turn && page.recordings.length === 0 && page.next && questions < EMPTY_PAGES) {
    questions += 1;
    page = await askJson(query({ after: page.next }));
  }
  return page;
}

/** Says that it is looked for sessions, if that takes its time. */
function looking() {
  const slow = setTimeout(() => {
    status.classList.remove('bad');
    status.textContent = 'Looking …';
  }, SLOW);
  return () => clearTimeout(slow);
}

async function show(wished) {
  const mine = ++turn;
  asked = wished;
  const found = looking();
  try {
    const [live, rest] = await Promise.all([livePage(), restPage()]);
    if (mine !== turn) return;
    // One that ended between the two answers is in both.
    const shown = new Set(live.map((recording) => recording.id));
    const others = rest.recordings.filter((recording) => recording.state !== 'live' && !shown.has(recording.id));
    body.replaceChildren(...[...live, ...others].map(row));
    pages = 1;
    told(rest.next);
  } catch (error) {
    if (mine === turn) failed(error);
  } finally {
    found();
  }
}

function told(cursor) {
  next = cursor ?? null;
  const count = body.children.length;
  table.hidden = count === 0;
  more.hidden = !next;
  const nothing = next
    ? 'No session fits the filter so far. “Show more” looks through older ones.'
    : [...asked.keys()].length
      ? 'No session fits the filter.'
      : 'No session has been recorded yet.';
  status.classList.remove('bad');
  status.textContent = count === 0 ? nothing : `${count} ${count === 1 ? 'session' : 'sessions'}${next ? ', and more' : ''}`;
}

function failed(error) {
  status.classList.add('bad');
  status.textContent = error.message;
}

more.addEventListener('click', async () => {
  const mine = turn;
  more.disabled = true;
  const found = looking();
  try {
    const page = await restPage(next);
    if (mine !== turn) return;
    const rows = page.recordings.filter((recording) => recording.state !== 'live').map(row);
    body.append(...rows);
    pages += 1;
    told(page.next);
    $('a', rows[0])?.focus();
  } catch (error) {
    failed(error);
  } finally {
    found();
    more.disabled = false;
  }
});

filter($('#filter'), show);
setInterval(() => {
  // Whoever reads further down, or is about to press a link, is not disturbed; and what was long looked for is not looked for again.
  if (!document.hidden && pages === 1 && questions === 1 && !body.contains(document.activeElement)) show(asked);
}, REFRESH);
