"""Graphs to start from. Each one runs as it stands. Found by `vidflow.places`."""
