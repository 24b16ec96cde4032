// What was to be read, beside the film, and the marks on its bar.

import { $, clock, el } from './lib.js';

/** What happens within a frame is seen at its end. */
const FRAME = 34;
/** So many lines in a row that read the same stand once, with their number. */
const SAME = 4;

const [marks, list, scroll] = [$('#marks'), $('#transcript'), $('#scroll')];

/** The line that was the last to come. */
let current = null;

/** Draws an outline of a film that is so long. */
export function draw(outline, whole) {
  marks.replaceChildren(
    ...outline.marks.map((mark) => {
      const tick = el('span', { class: `mark ${mark.kind}` });
      tick.style.insetInlineStart = `${(mark.at / (whole || 1)) * 100}%`;
      return tick;
    }),
  );
  const notes = outline.marks.filter((mark) => !['stderr', 'input'].includes(mark.kind));
  const lines = [
    ...outline.transcript.map(([at, text, stream]) => ({ at, text, stream })),
    ...notes.map((mark) => ({ at: mark.at, text: mark.text, note: true })),
  ].sort((a, b) => a.at - b.at);
  current = null;
  list.replaceChildren(...runs(lines).map(item));
  if (outline.more) list.append(remark('The rest is too long to show here; tsh play --format=text has all of it.', whole));
  if (!lines.length) list.append(remark('Nothing was to be read.', 0));
}

/** An editor's empty screen is a column of the same sign. */
function runs(lines) {
  const found = [];
  for (let from = 0; from < lines.length; ) {
    let to = from + 1;
    while (to < lines.length && !lines[from].note && !lines[to].note && lines[to].text === lines[from].text) to += 1;
    if (to - from < SAME) found.push(...lines.slice(from, to));
    else found.push({ ...lines[from], times: to - from });
    from = to;
  }
  return found;
}

function item({ at, text, stream, note, times }) {
  const line = el('span', { class: 'line' }, text, times ? el('span', { class: 'times' }, ` (${times} lines)`) : null);
  return el('li', { 'data-at': at, class: note ? 'note' : stream ?? null }, el('a', { href: `#t=${(at + FRAME) / 1000}` }, clock(at)), line);
}

const remark = (text, at) => el('li', { class: 'note', 'data-at': at }, el('span', {}, text));

/** Marks the line of a moment; while the film plays it is scrolled to, unless somebody reads there. */
export function follow(position, playing) {
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
