"""The parts of the window around the canvas. Each is a view of the session, and changes it only by edits."""
