"""The JSON Schema of the file format, from the same names that the reader goes by.

`resources/graph.schema.json` holds it for editors of text; a test keeps the two equal. What a schema cannot say
(repeated keys, numbers that JSON does not have, how deep values are nested) the reader alone refuses.
"""

from __future__ import annotations

from typing import Any

from vidflow.graph.document import ID, VERSION

_ID = f"^{ID.pattern}$"
_FROM = rf"^{ID.pattern}(\.{ID.pattern})?$"
_TARGET = rf"^{ID.pattern}\.{ID.pattern}$"


def schema() -> dict[str, Any]:
    """The schema, draft 2020-12, of a graph file of this version. Fields that it does not name are kept, so allowed."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "vidflow graph",
        "description": "A graph of vidflow nodes: what opens in the editor and runs headless.",
        "type": "object",
        "required": ["vidflow", "nodes"],
        "properties": {
            "vidflow": {"const": VERSION, "description": "The version of the format."},
            "nodes": {"$ref": "#/$defs/nodes"},
            "graphs": {
                "description": "Subgraphs by name; NAME is used as the node type graph:NAME.",
                "type": "object",
                "propertyNames": {"pattern": _ID},
                "additionalProperties": {"$ref": "#/$defs/subgraph"},
            },
            "view": {"$ref": "#/$defs/view"},
        },
        "$defs": {
            "nodes": {
                "description": "Nodes by id.",
                "type": "object",
                "propertyNames": {"pattern": _ID},
                "additionalProperties": {"$ref": "#/$defs/node"},
            },
            "node": {
                "type": "object",
                "required": ["type"],
                "properties": {
                    "type": {
                        "description": "The name of a core node, pack.name, or graph:NAME.",
                        "type": "string",
                        "minLength": 1,
                    },
                    "inputs": {
                        "description": "What stands at each input: a value, a link, or a list of them, "
                        "as `vidflow nodes TYPE` says.",
                        "type": "object",
                        "additionalProperties": {"$ref": "#/$defs/input"},
                    },
                    "off": {
                        "description": "Pass the first input of the output's type through.",
                        "type": "boolean",
                    },
                },
            },
            "input": {
                "anyOf": [
                    {"$ref": "#/$defs/item"},
                    {"type": "array", "items": {"$ref": "#/$defs/item"}},
                ]
            },
            "item": {
                "anyOf": [
                    {"type": ["number", "string", "boolean", "null"]},
                    {"$ref": "#/$defs/link"},
                ]
            },
            "link": {
                "type": "object",
                "required": ["from"],
                "properties": {
                    "from": {
                        "description": "A node, for its first output, or node.output.",
                        "type": "string",
                        "pattern": _FROM,
                    }
                },
            },
            "subgraph": {
                "type": "object",
                "required": ["nodes"],
                "properties": {
                    "nodes": {"$ref": "#/$defs/nodes"},
                    "inputs": {
                        "description": "Ports and the inputs, as node.input, that each feeds.",
                        "type": "object",
                        "propertyNames": {"pattern": _ID},
                        "additionalProperties": {"type": "array", "items": {"type": "string", "pattern": _TARGET}},
                    },
                    "outputs": {
                        "description": "Ports and the output that each shows.",
                        "type": "object",
                        "propertyNames": {"pattern": _ID},
                        "additionalProperties": {"$ref": "#/$defs/link"},
                    },
                    "view": {"$ref": "#/$defs/view"},
                },
            },
            "view": {
                "description": "Layout, which the engine never reads.",
                "type": "object",
                "properties": {
                    "nodes": {
                        "type": "object",
                        "additionalProperties": {
                            "type": "object",
                            "properties": {
                                "at": {
                                    "description": "The position, x to the right and y down.",
                                    "type": "array",
                                    "items": {"type": "number"},
                                    "minItems": 2,
                                    "maxItems": 2,
                                }
                            },
                        },
                    }
                },
            },
        },
    }
