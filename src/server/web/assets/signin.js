// The page that was asked for may name a moment behind a `#`, which only the browser knows: it is carried over the sign-in.
if (location.hash) {
  for (const link of document.querySelectorAll('a.button')) {
    const there = new URL(link.href);
    const next = there.searchParams.get('next');
    if (next) {
      there.searchParams.set('next', next + location.hash);
      link.href = there.href;
    }
  }
}
