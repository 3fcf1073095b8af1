"""Published schemas: short, and never stricter than what is checked."""

from __future__ import annotations

from telecom.tool_schemas import compact_tool


def test_an_argument_keeps_what_helps_to_call_it() -> None:
    """Issue 11: a whole list of tools fits in 2,500 tokens."""
    tool = {
        "name": "list_things",
        "description": "List things.",
        "inputSchema": {
            "type": "object",
            "title": "list_thingsArguments",
            "properties": {
                "title": {
                    "anyOf": [{"type": "string", "maxLength": 9}, {"type": "null"}],
                    "default": None,
                    "title": "Title",
                    "description": "what it is called",
                },
                "names": {
                    "type": "array",
                    "title": "Names",
                    "items": {"type": "string", "title": "x"},
                },
                "limit": {"type": "integer", "default": 5, "minimum": 1, "title": "Limit"},
            },
            "required": ["names"],
        },
        "outputSchema": {
            "$defs": {"Thing": {"type": "object", "properties": {"id": {"type": "string"}}}},
            "type": "object",
            "title": "Things",
            "properties": {
                "things": {"type": "array", "items": {"$ref": "#/$defs/Thing"}},
                "best": {"$ref": "#/$defs/Thing"},
                "cursor": {"anyOf": [{"type": "string"}, {"type": "null"}]},
            },
        },
    }
    assert compact_tool(tool) == {
        "name": "list_things",
        "description": "List things.",
        "inputSchema": {
            "type": "object",
            "properties": {
                "title": {"type": "string", "maxLength": 9, "description": "what it is called"},
                "names": {"type": "array", "items": {"type": "string"}},
                "limit": {"type": "integer", "default": 5, "minimum": 1},
            },
            "required": ["names"],
        },
        "outputSchema": {
            "type": "object",
            "properties": {"things": {"type": "array"}, "best": {"type": "object"}, "cursor": {}},
            "required": ["things", "best", "cursor"],
        },
    }


def test_a_schema_that_somebody_wrote_is_published_as_written() -> None:
    """MCP 2025-11-25: JSON Schema 2020-12 keywords survive."""
    written = {"$schema": "https://json-schema.org/draft/2020-12/schema", "allOf": [{}]}
    assert compact_tool({"name": "x", "inputSchema": written})["inputSchema"] == written
