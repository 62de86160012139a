"""The small text-to-video model in the box: how it is made."""
