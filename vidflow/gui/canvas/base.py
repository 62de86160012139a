"""What is taken of NodeGraphQt: its viewer, its scene and its node items.

Its own graph, undo and session are not used: the document is the truth, and here are only views of it. Whatever touches
NodeGraphQt's private names is in this folder.
"""

from __future__ import annotations

import contextlib
import io
import warnings

with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
    # Qt.py prints of what it lacks in Qt 6, and distutils warns of its own end.
    warnings.simplefilter("ignore")
    from NodeGraphQt.qgraphics.node_abstract import AbstractNodeItem
    from NodeGraphQt.widgets.scene import NodeScene
    from NodeGraphQt.widgets.viewer import NodeViewer

__all__ = ["AbstractNodeItem", "NodeScene", "NodeViewer"]
