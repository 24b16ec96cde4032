"""Reads steps of a terminal session as JSON from standard input and prints the rows that pyte shows at the end as JSON."""
import json
import sys

import pyte


class Screen(pyte.Screen):
    """pyte 0.8 fails at xterm's own `CSI > … m`, which changes nothing that is to be seen."""

    def select_graphic_rendition(self, *attributes, private=False):
        if not private:
            super().select_graphic_rendition(*attributes)


session = json.load(sys.stdin)
screen = Screen(session["width"], session["height"])
stream = pyte.Stream(screen)
for step in session["steps"]:
    if "resize" in step:
        columns, lines = step["resize"]
        screen.resize(lines, columns)
    else:
        stream.feed(step["text"])
print(json.dumps([row.rstrip() for row in screen.display]))
