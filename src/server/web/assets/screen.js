// The terminal's screen on the page: rows of spans, each as wide as its columns, whatever the font makes of them.

import { el } from './lib.js';

const [BOLD, FAINT, ITALIC, UNDERLINE, STRIKE, BLINK, INVERSE] = [1, 2, 4, 8, 16, 32, 64];
const CLASSES = [[BOLD, 'bold'], [FAINT, 'faint'], [ITALIC, 'italic'], [UNDERLINE, 'underline'], [STRIKE, 'strike'], [BLINK, 'blink']];
const LINE_HEIGHT = 1.25;
/** What stands above and below the screen, in pixels. */
const TAKEN = 330;
const [LEAST, MOST] = [5, 20];

/** What a screen shows, by the frames of a film (src/server/web/film.rs). */
export class Model {
  columns = 80;
  height = 24;
  rows = [];
  cursor = null;

  /** Takes a frame; the answer says what changed: all, or by how many rows it went up, and which changed then. */
  apply(frame) {
    const kind = frame[1];
    if (kind === 'k') {
      [this.columns, this.height] = [frame[2], frame[3]];
      this.rows = Array.from({ length: this.height }, () => []);
      for (const [y, ...row] of frame[4]) this.rows[y] = row;
      this.cursor = frame[5];
      return { all: true };
    }
    if (kind !== 'd') return {};
    const up = frame[2];
    if (up) this.rows.push(...this.rows.splice(0, up).map(() => []));
    for (const [y, ...row] of frame[3]) this.rows[y] = row;
    this.cursor = frame[4];
    return { up, changed: frame[3].map(([y]) => y) };
  }

  /** A key screen of now. */
  key(at) {
    return [at, 'k', this.columns, this.height, this.rows.map((row, y) => [y, ...row]).filter((row) => row.length > 1), this.cursor];
  }
}

/** The model on the page. Only rows that changed are made anew, so that a selection elsewhere stays. */
export class Screen {
  #cursor = el('div', { class: 'cursor', 'aria-hidden': 'true' });
  #shown = null;

  constructor(frame, box) {
    [this.frame, this.box] = [frame, box];
    this.model = new Model();
    this.#stale = new Set();
    this.ratio = measured();
    new ResizeObserver(() => this.fit()).observe(frame);
    box.addEventListener('copy', (event) => this.#copied(event));
  }

  #stale;
  /** No smaller than this, in pixels; what does not fit is scrolled to. */
  least = LEAST;
  small = false;
  #all = true;
  #up = 0;

  apply(frame) {
    const { all, up, changed } = this.model.apply(frame);
    if (all) {
      this.#all = true;
      return;
    }
    if (this.#all) return;
    if (up) {
      this.#up += up;
      this.#stale = new Set([...this.#stale].map((y) => y - up).filter((y) => y >= 0));
      for (let y = this.model.height - up; y < this.model.height; y++) this.#stale.add(y);
    }
    for (const y of changed ?? []) this.#stale.add(y);
  }

  /** Shows what was applied. */
  render() {
    const { model, box } = this;
    const size = `${model.columns}×${model.height}`;
    if (this.#all) {
      const kept = size === this.#shown;
      const rows = kept ? [...box.querySelectorAll('.row')] : model.rows.map(() => el('div', { class: 'row' }));
      if (!kept) box.replaceChildren(...rows, this.#cursor);
      rows.forEach((row, y) => fill(row, model.rows[y]));
      if (!kept) {
        this.#shown = size;
        this.fit();
      }
    } else {
      for (let n = 0; n < Math.min(this.#up, model.height); n++) box.insertBefore(box.firstChild, this.#cursor);
      for (const y of this.#stale) fill(box.children[y], model.rows[y]);
    }
    [this.#all, this.#up] = [false, 0];
    this.#stale.clear();
    this.#cursor.hidden = !model.cursor;
    if (model.cursor) {
      this.#cursor.style.insetInlineStart = `${model.cursor[0]}ch`;
      this.#cursor.style.insetBlockStart = `${model.cursor[1] * LINE_HEIGHT}em`;
    }
  }

  /** Makes the letters as large as the frame allows. */
  fit() {
    const { columns, height } = this.model;
    const full = document.fullscreenElement?.contains(this.frame);
    const style = getComputedStyle(this.frame);
    const width = this.frame.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
    if (width <= 0) return;
    const room = full ? this.frame.clientHeight - parseFloat(style.paddingTop) * 2 : Math.max(innerHeight - TAKEN, 240);
    const size = Math.min(width / (columns * this.ratio), room / (height * LINE_HEIGHT), full ? 60 : MOST);
    this.small = size < 10;
    const set = `${Math.max(this.least, Math.floor(size * 20) / 20)}px`;
    if (this.box.style.fontSize !== set) this.box.style.fontSize = set;
    this.box.style.inlineSize = `${columns}ch`;
  }

  /** The selected text as the terminal had it: rows that it wrapped are one line, and blanks at a line's end are none. */
  text(range) {
    const rows = [...this.box.querySelectorAll('.row')];
    let [text, joined] = ['', true];
    rows.forEach((row, y) => {
      if (!range.intersectsNode(row)) return;
      const part = document.createRange();
      part.selectNodeContents(row);
      if (row.contains(range.startContainer)) part.setStart(range.startContainer, range.startOffset);
      const endsHere = row.contains(range.endContainer);
      if (endsHere) part.setEnd(range.endContainer, range.endOffset);
      const wrapped = this.model.rows[y]?.[0] === 1;
      const own = part.toString();
      text += (joined ? '' : '\n') + (wrapped || endsHere ? own : own.trimEnd());
      joined = wrapped;
    });
    return text;
  }

  #copied(event) {
    const selection = getSelection();
    if (!selection.rangeCount || selection.isCollapsed) return;
    event.clipboardData.setData('text/plain', this.text(selection.getRangeAt(0)));
    event.preventDefault();
  }
}

/** How wide a digit is, in heights of the font. */
function measured() {
  const probe = el('span', { class: 'screen probe', 'aria-hidden': 'true' }, '0'.repeat(100));
  document.body.append(probe);
  const ratio = probe.getBoundingClientRect().width / 100 / parseFloat(getComputedStyle(probe).fontSize);
  probe.remove();
  return ratio || 0.6;
}

function fill(row, spans = []) {
  // The first is whether the row goes on in the next.
  row.replaceChildren(...spans.slice(1).flatMap(cells));
}

/** A span, or one for each letter that the font may draw in another width. */
function cells([text, columns, flags = 0, foreground = null, background = null]) {
  const letters = [...text];
  const wide = columns > letters.length;
  if (!wide && !/[^\x20-\u024f]/.test(text)) return [cell(text, columns, flags, foreground, background)];
  const found = [];
  for (const letter of letters) {
    const plain = !wide && letter <= '\u024f';
    const last = found.at(-1);
    if (plain && last?.plain) last.text += letter;
    else found.push({ text: letter, plain });
  }
  return found.map((part) => cell(part.text, wide ? 2 : part.plain ? part.text.length : 1, flags, foreground, background, part.plain));
}

function cell(text, columns, flags, foreground, background, plain = true) {
  const made = el('span', { class: plain ? 'c' : 'c one' }, text);
  made.style.inlineSize = `${columns}ch`;
  for (const [flag, name] of CLASSES) if (flags & flag) made.classList.add(name);
  if (flags & INVERSE) [foreground, background] = [background ?? 'back', foreground ?? 'ink'];
  if (foreground !== null) paint(made, 'f', 'color', foreground);
  if (background !== null) paint(made, 'b', 'backgroundColor', background);
  return made;
}

function paint(made, letter, property, colour) {
  if (typeof colour === 'string' && colour.startsWith('#')) made.style[property] = colour;
  else if (typeof colour === 'string' || colour < 16) made.classList.add(`${letter}-${colour}`);
  else made.style[property] = xterm(colour);
}

/** Colours 16 to 255 of xterm's palette: a cube, then greys. */
function xterm(index) {
  if (index >= 232) {
    const grey = 8 + (index - 232) * 10;
    return `rgb(${grey} ${grey} ${grey})`;
  }
  const level = (n) => (n ? 55 + n * 40 : 0);
  const at = index - 16;
  return `rgb(${level(Math.floor(at / 36))} ${level(Math.floor(at / 6) % 6)} ${level(at % 6)})`;
}
