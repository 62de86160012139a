"""A document that is being edited: undo, redo, and whether it differs from what was saved."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from vidflow.graph.document import Graph
from vidflow.graph.edits import Edit, apply
from vidflow.graph.patches import Patch, difference


@dataclass(slots=True)
class _Step:
    back: Patch
    forth: Patch
    merge_key: object


class History:
    """A document that is being edited, with undo and redo.

    `changed` is called with the document before and after each change; what differs is found by identity.
    """

    def __init__(self, graph: Graph, changed: Callable[[Graph, Graph], None] | None = None) -> None:
        self.graph: Graph = graph
        self._changed = changed
        self._steps: list[_Step] = []
        self._done = 0
        self._saved: int | None = 0

    def do(self, edit: Edit, *, merge_key: object = None) -> Graph:
        """Make an edit and give the document. An edit whose `merge_key` equals that of the one just made (a slider
        that is being dragged, a text that is being typed) is undone together with it. Raises GraphError as `apply`."""
        before = self.graph
        after, back = apply(before, edit)
        if not back:
            return before
        last = self._steps[-1] if self._done and self._done == len(self._steps) else None
        if last is not None and merge_key is not None and last.merge_key == merge_key:
            first = last.back.on(before)
            last.back, last.forth = difference(after, first), difference(first, after)
            if not last.back:
                self._steps.pop()
                self._done -= 1
        else:
            del self._steps[self._done :]
            if self._saved is not None and self._saved > self._done:
                self._saved = None
            self._steps.append(_Step(back, difference(before, after), merge_key))
            self._done += 1
        return self._show(after)

    def undo(self) -> Graph:
        """Take back the last edit, if there is one, and give the document."""
        if not self._done:
            return self.graph
        self._done -= 1
        self._settle()
        return self._show(self._steps[self._done].back.on(self.graph))

    def redo(self) -> Graph:
        """Make the edit that was taken back last, if there is one, and give the document."""
        if self._done == len(self._steps):
            return self.graph
        self._done += 1
        self._settle()
        return self._show(self._steps[self._done - 1].forth.on(self.graph))

    @property
    def can_undo(self) -> bool:
        """Whether there is an edit to take back."""
        return self._done > 0

    @property
    def can_redo(self) -> bool:
        """Whether there is an edit to make again."""
        return self._done < len(self._steps)

    @property
    def dirty(self) -> bool:
        """Whether the document differs from what was saved last."""
        return self._saved != self._done

    def saved(self) -> None:
        """The document as it is now has been saved."""
        self._saved = self._done
        self._settle()

    def unsaved(self) -> None:
        """The document as it is now lies nowhere: undo and redo never lead to what was saved."""
        self._saved = None

    def _settle(self) -> None:
        """What is done next is an edit of its own, whatever its key."""
        for step in self._steps[max(0, self._done - 1) : self._done + 1]:
            step.merge_key = None

    def _show(self, graph: Graph) -> Graph:
        before, self.graph = self.graph, graph
        if self._changed is not None:
            self._changed(before, graph)
        return graph
