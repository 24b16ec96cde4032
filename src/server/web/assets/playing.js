// A film as it plays: its position, the frames that come next, and the end of a session that goes on.

import { tell } from './facts.js';

/** What is left of a pause that is skipped, at its beginning and at its end. */
const LEAD = 400;
/** From so many frames on a live session's are begun anew. */
const MANY = 20000;
/** Parts are asked for this long before they are needed. */
const AHEAD = 20000;
const EMPTY = { part: -1, frames: [], next: 0, isLive: false };

export class Playing {
  recording;
  outline;
  film;
  position = 0;
  playing = false;
  following = false;
  /** The frames of a live session that were seen coming, from a key screen on. */
  #live = null;
  /** What is played: the frames of a part, and which of them come next. */
  #reel = EMPTY;
  #turn = 0;
  #lastTick = 0;
  #lost = false;

  /** `settings` are the speed and whether what is idle is skipped, `changed` is told of everything, `named` of moments to pass on. */
  constructor(screen, settings, changed, named) {
    [this.screen, this.settings, this.changed, this.named] = [screen, settings, changed, named];
  }

  get isLive() {
    return this.recording.state === 'live' && !this.#lost;
  }

  get end() {
    return Math.max(this.film.duration, this.#live?.frames.at(-1)?.[0] ?? 0);
  }

  /** Goes to a moment. */
  async go(to, { address = true } = {}) {
    const mine = ++this.#turn;
    this.following = false;
    this.position = Math.min(Math.max(0, to), this.end);
    if ((await this.#wind(mine)) && address) this.named();
    this.changed();
  }

  start() {
    if (!this.following && this.position >= this.end) {
      if (this.isLive) {
        this.goLive();
        return;
      }
      this.go(0, { address: false });
    }
    this.#run();
  }

  pause() {
    [this.playing, this.following] = [false, false];
    this.named();
    this.changed();
  }

  toggle() {
    if (this.playing) this.pause();
    else this.start();
  }

  /** To the end of a session that goes on, and on with it. */
  goLive() {
    this.following = true;
    if (this.#live?.frames.length) {
      this.#turn += 1;
      this.position = this.#live.frames.at(-1)[0];
      this.#show(this.#live.frames);
    }
    this.#run();
  }

  /** A frame of a session that goes on has come. */
  arrived(frame) {
    if (frame[1] === 'k' && (!this.#live || this.#live.broken)) this.#live = { frames: [frame], broken: false };
    else if (this.#live && !this.#live.broken) this.#live.frames.push(frame);
    if (this.following && this.#live) {
      this.position = frame[0];
      if (this.#reel.frames === this.#live.frames) this.#advance();
      else this.#show(this.#live.frames);
      if (this.#live.frames.length > MANY) {
        this.#live = { frames: [this.screen.model.key(this.position)], broken: false };
        this.#reel = { part: -1, frames: this.#live.frames, next: 1, isLive: true, at: this.position };
      }
    }
    this.changed();
  }

  /** No frame follows on the last one that came. */
  broken() {
    if (this.#live) this.#live.broken = true;
  }

  /** What was live is a film now. */
  over(recording, outline, film) {
    [this.recording, this.outline, this.film] = [recording, outline, film];
    [this.#live, this.#reel, this.following] = [null, EMPTY, false];
  }

  /** No more will come, and not because the session has ended. */
  lose(why) {
    this.#lost = true;
    this.stop(why);
  }

  /** Stands still, and says why. */
  stop(why) {
    [this.playing, this.following] = [false, false];
    tell(why, true);
    this.changed();
  }

  #run() {
    this.playing = true;
    this.#lastTick = performance.now();
    requestAnimationFrame((now) => this.#tick(now));
    this.changed();
  }

  /** Makes the reel that of the position, and the screen what it shows then. False if somebody wished otherwise meanwhile. */
  async #wind(mine) {
    const isLive = this.#live !== null && this.position >= this.#live.frames[0][0];
    const part = isLive ? -1 : this.film.partAt(this.position);
    const reel = this.#reel;
    const kept = reel.isLive === isLive && reel.part === part && reel.frames.length && reel.at <= this.position;
    if (!kept) {
      let frames;
      try {
        frames = isLive ? this.#live.frames : await this.film.load(part);
      } catch (error) {
        if (mine === this.#turn) this.stop(error.message);
        return false;
      }
      if (mine !== this.#turn) return false;
      this.#reel = { part, frames, next: 0, isLive, at: 0 };
    }
    this.#advance();
    return true;
  }

  #show(frames) {
    this.#reel = { part: -1, frames, next: 0, isLive: true, at: 0 };
    this.#advance();
  }

  /** Shows the frames up to the position. */
  #advance() {
    const reel = this.#reel;
    while (reel.next < reel.frames.length && reel.frames[reel.next][0] <= this.position) {
      this.screen.apply(reel.frames[reel.next]);
      reel.next += 1;
    }
    // The first key screen of a part stands for all that was before.
    if (reel.next === 0 && reel.frames.length) {
      this.screen.apply(reel.frames[0]);
      reel.next = 1;
    }
    reel.at = this.position;
    this.screen.render();
  }

  async #tick(now) {
    if (!this.playing) return;
    const passed = (now - this.#lastTick) * this.settings.speed;
    this.#lastTick = now;
    if (!this.following) {
      this.position = this.#skipped(this.position + passed);
      if (this.position < this.end) {
        await this.#play();
      } else if (this.isLive) {
        this.goLive();
        return;
      } else {
        this.position = this.end;
        await this.#wind(this.#turn);
        this.pause();
        return;
      }
      this.changed();
    }
    requestAnimationFrame((then) => this.#tick(then));
  }

  async #play() {
    const begun = performance.now();
    await this.#wind(this.#turn);
    // Waiting for a part is no time of the film.
    if (performance.now() - begun > 50) this.#lastTick = performance.now();
    const next = this.#reel.part + 1;
    const { starts } = this.film;
    if (next > 0 && next < starts.length && starts[next] - this.position < AHEAD * this.settings.speed) this.film.load(next).catch(() => {});
  }

  #skipped(to) {
    if (!this.settings.skipIdle) return to;
    const gap = this.outline.idle.find(([from, until]) => to > from + LEAD && to < until - LEAD);
    return gap ? gap[1] - LEAD : to;
  }
}
