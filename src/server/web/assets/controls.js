// What people press and see below the film.

import { $, clock } from './lib.js';
import { follow } from './transcript.js';

const SPEEDS = [0.5, 1, 2, 4, 8, 16];
const STEP = 5000;

const [seek, play, time, golive] = ['#seek', '#play', '#time', '#golive'].map((s) => $(s));
const [speed, idle, link, full, larger, scroll] = ['#speed', '#idle', '#link', '#full', '#larger', '#scroll'].map((s) => $(s));

/** How the person wants the film to play. */
export const settings = {
  get speed() {
    return Number(speed.value);
  },
  get skipIdle() {
    return idle.checked;
  },
};

/** The moment that the address asks for, in milliseconds. */
export function asked() {
  const found = /[#&?]t=(?:(\d+):)?(?:(\d+):)?(\d+(?:\.\d+)?)/.exec(location.hash || location.search);
  if (!found) return null;
  const [, a, b, seconds] = found;
  const minutes = b === undefined ? Number(a ?? 0) : Number(a) * 60 + Number(b);
  return (minutes * 60 + Number(seconds)) * 1000;
}

/** Puts the moment into the address, so that it can be passed on. */
export function name(position) {
  history.replaceState(null, '', `#t=${Math.round(position / 100) / 10}`);
}

/** Shows where the film stands. */
export function paint({ end, position, playing, following, isLive }) {
  seek.max = Math.max(1, end);
  seek.value = position;
  seek.setAttribute('aria-valuetext', `${clock(position)} of ${clock(end)}`);
  seek.style.setProperty('--done', Number(seek.value) / Number(seek.max));
  time.textContent = following ? `${clock(position)} · live` : `${clock(position)} / ${clock(end)}`;
  play.setAttribute('aria-label', playing ? 'Pause' : 'Play');
  $('.sign', play).textContent = playing ? '❚❚' : '▶';
  golive.hidden = !isLive || following;
  follow(position, playing);
}

function faster(by) {
  const at = SPEEDS.indexOf(settings.speed);
  speed.value = SPEEDS[Math.min(Math.max(0, at + by), SPEEDS.length - 1)];
}

function fullScreen() {
  if (document.fullscreenElement) document.exitFullscreen();
  else $('.film').requestFullscreen?.().catch(() => {});
}

function key(event, playing) {
  if (event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return;
  const on = event.target;
  if (on.closest('input:not([type=range]):not([type=checkbox]), select, textarea')) return;
  const pressed = event.key;
  if (pressed === ' ' && on.closest('button, a, input[type=checkbox]')) return;
  if (on === scroll && pressed.startsWith('Arrow') && !['ArrowLeft', 'ArrowRight'].includes(pressed)) return;
  const actions = {
    ' ': () => playing.toggle(),
    ArrowLeft: () => playing.go(playing.position - STEP),
    ArrowRight: () => playing.go(playing.position + STEP),
    '+': () => faster(1),
    '=': () => faster(1),
    '-': () => faster(-1),
    f: fullScreen,
  };
  const action = actions[pressed] ?? (/^[0-9]$/.test(pressed) ? () => playing.go((playing.end * Number(pressed)) / 10) : null);
  if (!action) return;
  event.preventDefault();
  action();
}

async function copyLink(playing) {
  name(playing.position);
  try {
    await navigator.clipboard.writeText(location.href);
    link.textContent = 'Copied';
  } catch {
    link.textContent = 'It is in the address bar';
  }
  setTimeout(() => (link.textContent = 'Copy link'), 2500);
}

function enlarge(screen) {
  const on = larger.getAttribute('aria-pressed') !== 'true';
  larger.setAttribute('aria-pressed', on);
  screen.least = on ? 13 : 5;
  screen.fit();
}

/** Listens to what is pressed. */
export function listen(playing, screen) {
  play.addEventListener('click', () => playing.toggle());
  seek.addEventListener('input', () => playing.go(Number(seek.value)));
  golive.addEventListener('click', () => playing.goLive());
  full.addEventListener('click', fullScreen);
  link.addEventListener('click', () => copyLink(playing));
  larger.addEventListener('click', () => enlarge(screen));
  // Only where the letters are small.
  const offered = () => (larger.hidden = !screen.small);
  new ResizeObserver(offered).observe($('#frame'));
  seek.addEventListener('input', offered);
  document.addEventListener('fullscreenchange', () => {
    full.textContent = document.fullscreenElement ? 'Leave full screen' : 'Full screen';
    screen.fit();
  });
  document.addEventListener('keydown', (event) => key(event, playing));
  addEventListener('hashchange', () => {
    const to = asked();
    if (to !== null) playing.go(to);
  });
  // Who selects text wants it to stand still.
  document.addEventListener('selectionchange', () => {
    const selection = getSelection();
    if (playing.playing && !selection.isCollapsed && $('#screen').contains(selection.anchorNode)) playing.pause();
  });
}
