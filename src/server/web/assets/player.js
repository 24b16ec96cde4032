// The player: plays a film, or follows a live session.

import { $, ask, askJson, clock, command, el, sentence, state, when } from './lib.js';
import { Film, follow } from './film.js';
import { Screen } from './screen.js';

const SPEEDS = [0.5, 1, 2, 4, 8, 16];
const STEP = 5000;
/** What is left of a pause that is skipped, at its beginning and at its end. */
const LEAD = 400;
/** From so many frames on a live session's are begun anew. */
const MANY = 20000;
const OUTLINE_AGAIN = 30000;
/** What happens within a frame is seen at its end. */
const FRAME = 34;

const article = $('#player');
const id = article.dataset.id;
const api = `/web/api/recordings/${id}`;
const [status, stage, seek, play, time, golive] = ['#status', '.stage', '#seek', '#play', '#time', '#golive'].map((s) => $(s));
const [speed, idle, link, full, marks, list, scroll] = ['#speed', '#idle', '#link', '#full', '#marks', '#transcript', '#scroll'].map((s) => $(s));
const screen = new Screen($('#frame'), $('#screen'));

let recording;
let outline;
let film;
/** The frames of a live session that were seen coming, from a key screen on. */
let live = null;
let position = 0;
/** What is played: the frames of a part, and which of them come next. */
let reel = { part: -1, frames: [], next: 0, isLive: false };
let playing = false;
let following = false;
let turn = 0;
let lastTick = 0;

const end = () => Math.max(film.duration, live?.frames.at(-1)?.[0] ?? 0);

function facts() {
  const entry = (name, ...content) => [el('div', {}, el('dt', {}, name), el('dd', {}, ...content))];
  const whole = recording;
  const long = whole.state === 'live' ? null : clock(whole.duration);
  const own = [
    ...entry('Person', whole.user, whole.roles.length ? ` (${whole.roles.join(', ')})` : ''),
    ...entry('Where', `${whole.cluster}, ${whole.namespace}/${whole.pod}${whole.container ? `, container ${whole.container}` : ''}`),
    ...entry('When', when(whole.started), long ? `, ${long} long` : ''),
    ...entry('State', ...state(whole), whole.reason ? ` ${sentence(whole.reason)}` : ''),
  ];
  if (whole.lost) own.push(...entry('Lost', `${whole.lost} bytes could not be recorded`));
  if (whole.remote) own.push(...entry('From', whole.remote));
  const actions = el('p', { class: 'actions' }, el('a', { href: `${api}/content`, download: true }, 'Download the recording'));
  if (whole.state === 'live' && article.dataset.end) actions.append(el('button', { type: 'button', class: 'deny', onclick: endSession }, 'End the session …'));
  const words = el('div', {}, el('code', {}, command(whole)), whole.terminal ? ' on a terminal' : ' without a terminal');
  $('#facts').replaceChildren(el('div', { class: 'summary' }, words, actions, el('dl', { class: 'facts wide' }, ...own)));
}

async function endSession() {
  const reason = prompt('End this session now? The person reads this reason:', '');
  if (reason === null) return;
  try {
    await ask(`/web/api/sessions/${id}?reason=${encodeURIComponent(reason)}`, { method: 'DELETE' });
    tell('The session is being ended.');
  } catch (error) {
    tell(error.message, true);
  }
}

function tell(text, bad = false) {
  status.textContent = text;
  status.hidden = !text;
  status.classList.toggle('bad', bad);
}

/** Goes to a moment. */
async function go(to, { address = true } = {}) {
  const mine = ++turn;
  following = false;
  position = Math.min(Math.max(0, to), end());
  if (await wind(mine)) {
    if (address) name();
  }
  paint();
}

/** Makes the reel that of the position, and the screen what it shows then. False if somebody wished otherwise meanwhile. */
async function wind(mine) {
  const isLive = live !== null && position >= live.frames[0][0];
  const part = isLive ? -1 : film.partAt(position);
  const kept = reel.isLive === isLive && reel.part === part && reel.frames.length && reel.at <= position;
  if (!kept) {
    let frames;
    try {
      frames = isLive ? live.frames : await film.load(part);
    } catch (error) {
      if (mine === turn) stop(error.message);
      return false;
    }
    if (mine !== turn) return false;
    reel = { part, frames, next: 0, isLive, at: 0 };
  }
  advance();
  return true;
}

/** Shows the frames up to the position. */
function advance() {
  while (reel.next < reel.frames.length && reel.frames[reel.next][0] <= position) {
    screen.apply(reel.frames[reel.next]);
    reel.next += 1;
  }
  // The first key screen of a part stands for all that was before.
  if (reel.next === 0 && reel.frames.length) {
    screen.apply(reel.frames[0]);
    reel.next = 1;
  }
  reel.at = position;
  screen.render();
}

async function tick(now) {
  if (!playing) return;
  const passed = (now - lastTick) * Number(speed.value);
  lastTick = now;
  if (following) {
    requestAnimationFrame(tick);
    return;
  }
  position = skipped(position + passed);
  if (position >= end()) {
    position = end();
    if (recording.state === 'live') {
      goLive();
    } else {
      await wind(turn);
      pause();
      return;
    }
  } else {
    const mine = turn;
    const begun = performance.now();
    await wind(mine);
    // Waiting for a part is no time of the film.
    if (performance.now() - begun > 50) lastTick = performance.now();
    const part = reel.part;
    if (part >= 0 && part + 1 < film.starts.length && film.starts[part + 1] - position < 20000 * Number(speed.value)) film.load(part + 1).catch(() => {});
  }
  paint();
  requestAnimationFrame(tick);
}

function skipped(to) {
  if (!idle.checked) return to;
  const gap = outline.idle.find(([from, until]) => to > from + LEAD && to < until - LEAD);
  return gap ? gap[1] - LEAD : to;
}

function start() {
  if (!following && position >= end()) go(0, { address: false });
  playing = true;
  lastTick = performance.now();
  requestAnimationFrame(tick);
  paint();
}

function pause() {
  playing = false;
  following = false;
  name();
  paint();
}

function stop(why) {
  playing = false;
  tell(why, true);
  paint();
}

const toggle = () => (playing ? pause() : start());

/** The address names the moment, so that it can be passed on. */
function name() {
  history.replaceState(null, '', `#t=${Math.round(position / 100) / 10}`);
}

function paint() {
  const whole = end();
  seek.max = Math.max(1, whole);
  seek.value = position;
  seek.setAttribute('aria-valuetext', `${clock(position)} of ${clock(whole)}`);
  seek.style.setProperty('--done', `${whole ? (position / whole) * 100 : 0}%`);
  time.textContent = following ? `${clock(position)} · live` : `${clock(position)} / ${clock(whole)}`;
  play.setAttribute('aria-label', playing ? 'Pause' : 'Play');
  $('.sign', play).textContent = playing ? '❚❚' : '▶';
  golive.hidden = recording.state !== 'live' || following;
  follows();
}

/** The line of the transcript that was the last to come. */
let current = null;
function follows() {
  const lines = list.children;
  let [low, high] = [0, lines.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (Number(lines[middle].dataset.at) <= position) low = middle + 1;
    else high = middle;
  }
  const line = lines[low - 1] ?? null;
  if (line === current) return;
  current?.removeAttribute('aria-current');
  current = line;
  if (!line) return;
  line.setAttribute('aria-current', 'true');
  if (playing && !scroll.contains(document.activeElement)) scroll.scrollTop = line.offsetTop - scroll.clientHeight / 2;
}

function drawOutline() {
  const whole = end() || 1;
  marks.replaceChildren(
    ...outline.marks.map((mark) => {
      const tick = el('span', { class: `mark ${mark.kind}` });
      tick.style.insetInlineStart = `${(mark.at / whole) * 100}%`;
      return tick;
    }),
  );
  const lines = [
    ...outline.transcript.map(([at, text]) => ({ at, text })),
    ...outline.marks.filter((mark) => !['stderr', 'input'].includes(mark.kind)).map((mark) => ({ at: mark.at, text: mark.text, note: true })),
  ].sort((a, b) => a.at - b.at);
  current = null;
  list.replaceChildren(
    ...lines.map(({ at, text, note }) =>
      el('li', { 'data-at': at, class: note ? 'note' : null }, el('a', { href: `#t=${(at + FRAME) / 1000}` }, clock(at)), el('span', { class: 'line' }, text)),
    ),
  );
  if (outline.more) list.append(el('li', { class: 'note', 'data-at': whole }, el('span', {}, 'The rest is too long to show here; tsh play --format=text has all of it.')));
  if (!lines.length) list.append(el('li', { class: 'note', 'data-at': 0 }, el('span', {}, 'Nothing was to be read.')));
}

// Live sessions

function goLive() {
  following = true;
  playing = true;
  if (live?.frames.length) {
    turn += 1;
    position = live.frames.at(-1)[0];
    reel = { part: -1, frames: live.frames, next: 0, isLive: true, at: 0 };
    advance();
  }
  lastTick = performance.now();
  requestAnimationFrame(tick);
  paint();
}

function arrived(frame) {
  if (frame[1] === 'k' && (!live || live.broken)) {
    live = { frames: [frame], broken: false };
  } else if (live && !live.broken) {
    live.frames.push(frame);
  }
  if (following && live) {
    if (reel.frames !== live.frames) reel = { part: -1, frames: live.frames, next: 0, isLive: true, at: 0 };
    position = frame[0];
    advance();
    if (live.frames.length > MANY) {
      live = { frames: [screen.model.key(position)], broken: false };
      reel = { part: -1, frames: live.frames, next: 1, isLive: true, at: position };
    }
  }
  paint();
}

async function watch() {
  for (;;) {
    try {
      if (await follow(id, arrived)) break;
    } catch (error) {
      if (error.status === 409 || error.status === 404) break;
    }
    if (live) live.broken = true;
    await new Promise((done) => setTimeout(done, 1000));
  }
  await over();
}

/** The session has ended: from now on it is a film. */
async function over() {
  const wasFollowing = following;
  for (let left = 20; left > 0; left--) {
    recording = await askJson(api);
    if (recording.state !== 'live') break;
    await new Promise((done) => setTimeout(done, 500));
  }
  following = false;
  outline = await askJson(`${api}/outline`);
  film = new Film(id, outline, false);
  live = null;
  reel = { part: -1, frames: [], next: 0, isLive: false };
  facts();
  drawOutline();
  tell(wasFollowing ? 'The session has ended.' : '');
  if (wasFollowing) {
    playing = false;
    await go(end());
  } else {
    await go(position, { address: false });
  }
}

async function outlineAgain() {
  if (recording.state !== 'live' || document.hidden) return;
  try {
    outline = await askJson(`${api}/outline`);
    film.take(outline);
    drawOutline();
    paint();
  } catch {
    // The next time may work.
  }
}

// What people press

function asked() {
  const found = /[#&?]t=(?:(\d+):)?(?:(\d+):)?(\d+(?:\.\d+)?)/.exec(location.hash || location.search);
  if (!found) return null;
  const [, a, b, seconds] = found;
  const minutes = b === undefined ? Number(a ?? 0) : Number(a) * 60 + Number(b);
  return (minutes * 60 + Number(seconds)) * 1000;
}

function faster(by) {
  const at = SPEEDS.indexOf(Number(speed.value));
  speed.value = SPEEDS[Math.min(Math.max(0, at + by), SPEEDS.length - 1)];
}

function fullScreen() {
  if (document.fullscreenElement) document.exitFullscreen();
  else $('.film').requestFullscreen?.().catch(() => {});
}

function key(event) {
  if (event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return;
  const on = event.target;
  if (on.closest('input:not([type=range]):not([type=checkbox]), select, textarea')) return;
  const pressed = event.key;
  if (pressed === ' ' && on.closest('button, a, input[type=checkbox]')) return;
  if (on === scroll && pressed.startsWith('Arrow') && !['ArrowLeft', 'ArrowRight'].includes(pressed)) return;
  const actions = {
    ' ': toggle,
    ArrowLeft: () => go(position - STEP),
    ArrowRight: () => go(position + STEP),
    '+': () => faster(1),
    '=': () => faster(1),
    '-': () => faster(-1),
    f: fullScreen,
  };
  const action = actions[pressed] ?? (/^[0-9]$/.test(pressed) ? () => go((end() * Number(pressed)) / 10) : null);
  if (!action) return;
  event.preventDefault();
  action();
}

function listen() {
  play.addEventListener('click', toggle);
  seek.addEventListener('input', () => go(Number(seek.value)));
  golive.addEventListener('click', goLive);
  full.addEventListener('click', fullScreen);
  const larger = $('#larger');
  larger.addEventListener('click', () => {
    const on = larger.getAttribute('aria-pressed') !== 'true';
    larger.setAttribute('aria-pressed', on);
    screen.least = on ? 13 : 5;
    screen.fit();
  });
  // Only where the letters are small.
  const offered = () => (larger.hidden = !screen.small);
  new ResizeObserver(offered).observe($('#frame'));
  $('#seek').addEventListener('input', offered);
  document.addEventListener('fullscreenchange', () => {
    full.textContent = document.fullscreenElement ? 'Leave full screen' : 'Full screen';
    screen.fit();
  });
  link.addEventListener('click', async () => {
    name();
    try {
      await navigator.clipboard.writeText(location.href);
      link.textContent = 'Copied';
    } catch {
      link.textContent = 'It is in the address bar';
    }
    setTimeout(() => (link.textContent = 'Copy link'), 2500);
  });
  document.addEventListener('keydown', key);
  addEventListener('hashchange', () => {
    const to = asked();
    if (to !== null) go(to);
  });
  // Who selects text wants it to stand still.
  document.addEventListener('selectionchange', () => {
    const selection = getSelection();
    if (playing && !selection.isCollapsed && $('#screen').contains(selection.anchorNode)) pause();
  });
}

async function begin() {
  try {
    [recording, outline] = await Promise.all([askJson(api), askJson(`${api}/outline`)]);
  } catch (error) {
    tell(error.message, true);
    return;
  }
  film = new Film(id, outline, recording.state === 'live');
  facts();
  stage.hidden = false;
  tell('');
  drawOutline();
  listen();
  const to = asked();
  if (recording.state === 'live') {
    if (to === null) following = playing = true;
    else await go(to);
    paint();
    watch();
    setInterval(outlineAgain, OUTLINE_AGAIN);
  } else {
    await go(to ?? 0, { address: to !== null });
  }
  article.dataset.ready = 'yes';
}

begin();
