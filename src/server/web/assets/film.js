// A film's parts, as they are asked for, and the frames of a live session as they come (src/server/web/film.rs).

import { ask } from './lib.js';

/** How many parts are kept. */
const KEPT = 6;

export class Film {
  #parts = new Map();

  constructor(id, outline, live) {
    [this.id, this.live] = [id, live];
    this.take(outline);
  }

  take(outline) {
    this.starts = outline.parts.length ? outline.parts : [0];
    this.duration = outline.duration;
  }

  partAt(time) {
    let part = 0;
    while (part + 1 < this.starts.length && this.starts[part + 1] <= time) part += 1;
    return part;
  }

  /** The frames of a part. */
  load(part) {
    const known = this.#parts.get(part);
    if (known) return known;
    const loading = this.#fetch(part);
    this.#parts.set(part, loading);
    loading.catch(() => this.#parts.delete(part));
    // The last part of a live session grows.
    if (this.live && part === this.starts.length - 1) loading.then(() => this.#parts.delete(part), () => {});
    while (this.#parts.size > KEPT) this.#parts.delete(this.#parts.keys().next().value);
    return loading;
  }

  async #fetch(part) {
    const answer = await ask(`/web/api/recordings/${this.id}/film?part=${part}`);
    const text = await answer.text();
    return text.split('\n').filter(Boolean).map((line) => JSON.parse(line));
  }
}

/** Calls `frame` for each frame of a live session from now on. True when the session has ended, false when the way there broke. */
export async function follow(id, frame, signal) {
  const answer = await ask(`/web/api/recordings/${id}/live`, { signal });
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  let ended = false;
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return ended;
    const lines = (rest + value).split('\n');
    rest = lines.pop();
    for (const line of lines) {
      const read = JSON.parse(line);
      ended = read[1] === 'x';
      frame(read);
    }
  }
}
