// What all pages share: elements, questions to the gate, times.

export const $ = (selector, root = document) => root.querySelector(selector);

/** An element with attributes (those that begin with `on` are listeners) and children (texts or elements). */
export function el(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith('on')) made.addEventListener(name.slice(2), value);
    else if (value !== null && value !== undefined && value !== false) made.setAttribute(name, value === true ? '' : value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

const token = $('meta[name=csrf]')?.content;

/** Asks the gate. An answer that is none is an error with the gate's sentence; without a session the sign-in comes first. */
export async function ask(path, options = {}) {
  const headers = { ...options.headers };
  if (options.method && options.method !== 'GET') headers['X-CSRF-Token'] = token;
  let answer;
  try {
    answer = await fetch(path, { ...options, headers });
  } catch (error) {
    if (error.name === 'AbortError') throw error;
    throw new Error('The gate cannot be reached. Check the network and try again.');
  }
  if (answer.status === 401) {
    location.assign(`/web/login?next=${encodeURIComponent(location.pathname + location.search)}${location.hash}`);
    await new Promise(() => {});
  }
  if (!answer.ok) {
    const body = await answer.json().catch(() => ({}));
    const error = new Error(sentence(body.message ?? `The gate answered with status ${answer.status}`));
    error.status = answer.status;
    throw error;
  }
  return answer;
}

export const askJson = async (path, options) => (await ask(path, options)).json();

/** A capital at the beginning, a stop at the end. */
export function sentence(text) {
  const whole = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?…]$/.test(whole) ? whole : `${whole}.`;
}

const two = (n) => String(n).padStart(2, '0');

/** `1:02:03` or `2:03`. */
export function clock(ms) {
  const s = Math.max(0, Math.floor(ms / 1000));
  const [hours, minutes, seconds] = [Math.floor(s / 3600), Math.floor(s / 60) % 60, s % 60];
  return hours ? `${hours}:${two(minutes)}:${two(seconds)}` : `${minutes}:${two(seconds)}`;
}

/** A moment in the viewer's own time zone, to the second: many a session is over within one. */
export function when(iso) {
  const at = new Date(iso);
  const text = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
  return el('time', { datetime: iso, title: at.toString() }, text);
}

/** The instant at which a day of the viewer's calendar begins, `days` later. */
export function dayBegins(date, days = 0) {
  const [year, month, day] = date.split('-').map(Number);
  return new Date(year, month - 1, day + days).toISOString();
}

export const command = (session) =>
  session.command.length ? session.command.map(quoted).join(' ') : session.kind === 'attach' ? 'attach' : '(no command)';

const quoted = (word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`);

/** What a session did, for a list: a copy by what it copied, else its command. */
export function what({ copy, ...session }) {
  if (!copy) return el('code', {}, command(session));
  const [way, size] = [copy.direction === 'up' ? 'into' : 'out of', copy.bytes === undefined ? '' : `, ${bytes(copy.bytes)}`];
  return el('span', { title: command(session) }, `cp ${way} the container${size}: `, el('code', {}, copy.path));
}

/** A number of bytes for people. */
export function bytes(count) {
  if (count < 1024) return `${count} B`;
  const unit = Math.min(Math.floor(Math.log2(count) / 10), 4);
  return `${(count / 1024 ** unit).toFixed(1)} ${['', 'KiB', 'MiB', 'GiB', 'TiB'][unit]}`;
}

export const place = (session) =>
  `${session.cluster} ${session.namespace}/${session.pod}${session.container && session.container !== session.pod ? `/${session.container}` : ''}`;

const STATES = { live: 'live', ended: 'ended, being closed', complete: 'complete', cut: 'cut off', partial: 'incomplete' };

/** Whether an exit code 1 is an answer, not a failure: before it copies, `kubectl cp` asks whether there is such a folder. */
const answers = ({ command: words, exit, terminal }) => exit === 1 && !terminal && words.length === 3 && words[0] === 'test' && words[1] === '-d';

/** Where a recording stands, as a label. */
export function state(recording) {
  const label = el('span', { class: `state ${recording.state}` }, STATES[recording.state] ?? recording.state);
  const exit = recording.exit;
  if (exit === undefined || exit === null) return [label];
  return [label, ' ', el('span', { class: exit === 0 || answers(recording) ? 'exit' : 'exit bad' }, `exit ${exit}`)];
}

/** Fills a form's fields from the address, and calls `show` now and whenever the form is sent. */
export function filter(form, show) {
  const read = () => {
    const all = new URLSearchParams(new FormData(form));
    for (const [name, value] of [...all]) if (!value.trim()) all.delete(name);
    return all;
  };
  for (const [name, value] of new URLSearchParams(location.search)) {
    if (form.elements[name]) form.elements[name].value = value;
  }
  const sent = () => {
    const asked = read();
    const query = asked.toString();
    history.replaceState(null, '', query ? `?${query}` : location.pathname);
    show(asked);
  };
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    sent();
  });
  form.addEventListener('reset', () => setTimeout(sent));
  show(read());
}
