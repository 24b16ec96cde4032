// The player's page: plays a film, or follows a live session.

import { $, askJson } from './lib.js';
import { asked, listen, name, paint, settings } from './controls.js';
import { facts, tell } from './facts.js';
import { Film } from './film.js';
import { watch } from './live.js';
import { Playing } from './playing.js';
import { Screen } from './screen.js';
import { draw } from './transcript.js';

/** A film that is over so soon stands at its end: at its beginning there is mostly nothing to see. */
const SHORT = 1000;

const article = $('#player');
const { id } = article.dataset;
const screen = new Screen($('#frame'), $('#screen'));
const playing = new Playing(screen, settings, () => paint(playing), () => name(playing.position));

function drawn() {
  facts(playing.recording, article.dataset.end !== undefined);
  draw(playing.outline, playing.end);
}

async function begin() {
  const api = `/web/api/recordings/${id}`;
  try {
    [playing.recording, playing.outline] = await Promise.all([askJson(api), askJson(`${api}/outline`)]);
  } catch (error) {
    tell(error.message, true);
    return;
  }
  playing.film = new Film(id, playing.outline, playing.isLive);
  $('.stage').hidden = false;
  tell('');
  drawn();
  listen(playing, screen);
  const to = asked();
  if (playing.isLive) {
    if (to === null) playing.goLive();
    else await playing.go(to);
    watch(playing, id, drawn);
  } else {
    await playing.go(to ?? (playing.end < SHORT ? playing.end : 0), { address: to !== null });
  }
  article.dataset.ready = 'yes';
}

begin();
