"""Rewrites a PNG with at most 64 colours, which antialiased lines do not need more of: reduce.py FILE.png"""
import sys

from PIL import Image

with Image.open(sys.argv[1]) as picture:
    reduced = picture.convert("RGB").quantize(64)
reduced.save(sys.argv[1], optimize=True)
