// Times in the viewer's time zone, and a button beside each command that copies it.

import { el, when } from './lib.js';

for (const time of document.querySelectorAll('dl time')) time.replaceWith(when(time.dateTime));

for (const pre of document.querySelectorAll('.steps pre')) {
  const text = pre.textContent;
  const copy = el('button', { type: 'button', class: 'plain', 'aria-label': `Copy ${text}` }, 'Copy');
  copy.addEventListener('click', async () => {
    try {
      await navigator.clipboard.writeText(text);
      copy.textContent = 'Copied';
    } catch {
      getSelection().selectAllChildren(pre);
    }
  });
  pre.after(copy);
}
