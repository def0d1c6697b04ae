"""Rewrites a PNG with 256 colours, its most frequent ones as they are, the rest of the antialiasing as the nearest of them: reduce.py FILE.png"""
import sys

from PIL import Image

with Image.open(sys.argv[1]) as picture:
    full = picture.convert("RGB")
counted = sorted(full.getcolors(full.width * full.height), key=lambda entry: (-entry[0], entry[1]))
chosen = [colour for _, colour in counted[:256]]
place = {colour: i for i, colour in enumerate(chosen)}
for _, (r, g, b) in counted[256:]:
    place[r, g, b] = min(range(256), key=lambda i: (chosen[i][0] - r) ** 2 + (chosen[i][1] - g) ** 2 + (chosen[i][2] - b) ** 2)
reduced = Image.new("P", full.size)
reduced.putpalette([channel for colour in chosen for channel in colour])
reduced.putdata([place[colour] for colour in full.getdata()])
reduced.save(sys.argv[1], optimize=True)
