"""Seeing what a node makes: how frames are got and kept, the player, the viewer and the timeline."""
