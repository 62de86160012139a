"""Brings the files of older versions up to date, one small function for each version."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from vidflow.errors import GraphError, Problem
from vidflow.graph.document import VERSION

Migration = Callable[[dict[str, Any]], dict[str, Any]]
"""Takes a file of version k, as JSON gives it and not yet checked, and gives it as version k + 1."""

MIGRATIONS: Mapping[int, Migration] = {}
"""The migration from each older version to the next."""


def migrate(
    document: dict[str, Any], *, migrations: Mapping[int, Migration] = MIGRATIONS, target: int = VERSION
) -> dict[str, Any]:
    """The document in the version `target`.

    Raises GraphError where it has no version, a newer one, or cannot be brought up to date.
    """
    if "vidflow" not in document:
        raise GraphError(
            Problem(
                "no-version",
                "This is no vidflow graph: the field 'vidflow', the version of the format, is missing.",
                hint=f'A graph file begins with {{"vidflow": {target}, "nodes": {{...}}}}.',
            )
        )
    version = document["vidflow"]
    if type(version) is not int or version < 1:
        raise GraphError(
            Problem(
                "wrong-shape", f"The field 'vidflow' is the version of the format, a whole number; expected {target}."
            )
        )
    if version > target:
        shown = version if version.bit_length() <= 64 else "an absurd one"
        raise GraphError(
            Problem(
                "newer-version",
                f"This graph was made by a newer vidflow: its format is {shown}, this vidflow reads up to {target}.",
                hint="Update vidflow to open it.",
            )
        )
    while version < target:
        try:
            document = migrations[version](document)
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            # A migration sees files that nobody has checked, and it is written for those that are in order.
            raise GraphError(
                Problem(
                    "wrong-shape",
                    f"This graph is of format {version} and too damaged to be brought up to format {version + 1}.",
                )
            ) from error
        version += 1
        document["vidflow"] = version
    return document
