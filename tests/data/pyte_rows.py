"""Reads steps of a terminal session as JSON from standard input and prints the rows that pyte shows at the end as JSON."""
import json
import sys

import pyte

session = json.load(sys.stdin)
screen = pyte.Screen(session["width"], session["height"])
stream = pyte.Stream(screen)
for step in session["steps"]:
    if "resize" in step:
        columns, lines = step["resize"]
        screen.resize(lines, columns)
    else:
        stream.feed(step["text"])
print(json.dumps([row.rstrip() for row in screen.display]))
