// What is known of a session, above its film.

import { $, ask, clock, command, el, sentence, state, what, when } from './lib.js';

const status = $('#status');

/** Says something to the person; nothing takes away what was said. */
export function tell(text, bad = false) {
  status.textContent = text;
  status.hidden = !text;
  status.classList.toggle('bad', bad);
}

/** Shows what is known; `mayEnd` is whether this person may end the session. */
export function facts(whole, mayEnd) {
  const entry = (name, ...content) => [el('div', {}, el('dt', {}, name), el('dd', {}, ...content))];
  const live = whole.state === 'live';
  const inside = whole.container && whole.container !== whole.pod ? `, container ${whole.container}` : '';
  const own = [
    ...entry('Person', whole.user, whole.roles.length ? ` (${whole.roles.join(', ')})` : ''),
    ...entry('Where', `${whole.cluster}, ${whole.namespace}/${whole.pod}${inside}`),
    ...entry('When', when(whole.started), live ? '' : `, ${clock(whole.duration)} long`),
    ...entry('State', ...state(whole), whole.reason ? ` ${sentence(whole.reason)}` : ''),
  ];
  if (whole.copy) own.push(...entry('Copy', what(whole)));
  if (whole.lost) own.push(...entry('Lost', `${whole.lost} bytes could not be recorded`));
  if (whole.remote) own.push(...entry('From', whole.remote));
  const actions = el('p', { class: 'actions' }, el('a', { href: `/web/api/recordings/${whole.id}/content`, download: true }, 'Download the recording'));
  if (live && mayEnd) actions.append(el('button', { type: 'button', class: 'deny', onclick: () => endSession(whole.id) }, 'End the session …'));
  const words = el('div', {}, el('code', {}, command(whole)), whole.terminal ? ' on a terminal' : ' without a terminal');
  $('#facts').replaceChildren(el('div', { class: 'summary' }, words, actions, el('dl', { class: 'facts wide' }, ...own)));
}

async function endSession(id) {
  const reason = prompt('End this session now? The person reads this reason:', '');
  if (reason === null) return;
  try {
    await ask(`/web/api/sessions/${id}?reason=${encodeURIComponent(reason)}`, { method: 'DELETE' });
    tell('The session is being ended.');
  } catch (error) {
    tell(error.message, true);
  }
}
