// A session that goes on: its frames as they come, and what is to be read, until it is a film.

import { askJson } from './lib.js';
import { tell } from './facts.js';
import { Film, follow } from './film.js';
import { draw } from './transcript.js';

const OUTLINE_AGAIN = 30000;
const AGAIN = 1000;
/** How often it is asked whether the session's end is on record. */
const [ASKED, ASK] = [20, 500];

const pause = (time) => new Promise((done) => setTimeout(done, time));

/** Follows a session to its end; `drawn` is called when all is to be drawn anew. */
export async function watch(playing, id, drawn) {
  const refresh = setInterval(() => outlineAgain(playing, id), OUTLINE_AGAIN);
  try {
    await frames(playing, id);
    await over(playing, id, drawn);
  } catch (error) {
    // Above all: who watches may see it no more.
    playing.lose(error.message);
  } finally {
    clearInterval(refresh);
  }
}

async function frames(playing, id) {
  let told = false;
  const arrived = (frame) => {
    if (told) tell('');
    told = false;
    playing.arrived(frame);
  };
  for (;;) {
    try {
      if (await follow(id, arrived)) return;
    } catch (error) {
      if (error.status === 409 || error.status === 404) return;
      tell(error.message, true);
      told = true;
    }
    playing.broken();
    await pause(AGAIN);
  }
}

/** The session has ended: from now on it is a film. */
async function over(playing, id, drawn) {
  const { following, position } = playing;
  const api = `/web/api/recordings/${id}`;
  let recording = await askJson(api);
  for (let left = ASKED; left > 0 && ['live', 'ended'].includes(recording.state); left--) {
    await pause(ASK);
    recording = await askJson(api);
  }
  const outline = await askJson(`${api}/outline`);
  playing.over(recording, outline, new Film(id, outline, false));
  drawn();
  tell(following ? 'The session has ended.' : '');
  if (following) {
    playing.playing = false;
    await playing.go(playing.end);
  } else {
    await playing.go(position, { address: false });
  }
}

async function outlineAgain(playing, id) {
  if (!playing.isLive || document.hidden) return;
  try {
    playing.outline = await askJson(`/web/api/recordings/${id}/outline`);
    playing.film.take(playing.outline);
    draw(playing.outline, playing.end);
    playing.changed();
  } catch {
    // The next time may work.
  }
}
