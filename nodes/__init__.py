"""The core node pack, loaded exactly as a user's own pack is."""

from . import joining, plain, reading, shape, sound, timing, writing

__all__ = ["joining", "plain", "reading", "shape", "sound", "timing", "writing"]
