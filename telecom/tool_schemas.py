"""Schemas as short as a model can use them: what a client reads before its first question counts.

Every client puts the list of tools into its model's context. What is published here is looser than
what the server checks, never stricter: titles that repeat names go, an optional argument is its
type, and an answer shows its fields to the first level. The text beside an answer says the rest.
"""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]
"""A JSON schema or a listed tool, hence Any."""

_KEPT_OF_ARGUMENT = (
    "type",
    "description",
    "default",
    "enum",
    "const",
    "items",
    "minimum",
    "maximum",
    "minLength",
    "maxLength",
    "maxItems",
    "x-mcp-header",
)


def compact_list(result: Any) -> Any:
    """Shorten a `tools/list` answer as it goes out; any other answer of a server stays as it is."""
    if isinstance(result, dict) and isinstance(result.get("tools"), list):
        return result | {"tools": [compact_tool(tool) for tool in result["tools"]]}
    return result


def compact_tool(tool: Json) -> Json:
    """Shorten the schemas of one tool of a `tools/list` answer."""
    short = dict(tool)
    if isinstance(tool.get("inputSchema"), dict) and _is_generated(tool["inputSchema"]):
        short["inputSchema"] = _input(tool["inputSchema"])
    if isinstance(tool.get("outputSchema"), dict):
        short["outputSchema"] = _output(tool["outputSchema"])
    return short


def _is_generated(schema: Json) -> bool:
    """Whether a schema came from a function's signature and not from somebody's hand."""
    return "$schema" not in schema


def _input(schema: Json) -> Json:
    short: Json = {
        "type": "object",
        "properties": {
            name: _argument(argument) for name, argument in schema.get("properties", {}).items()
        },
    }
    if schema.get("required"):
        short["required"] = schema["required"]
    return short


def _argument(schema: Json) -> Json:
    """One argument; one that may be left out need not be shown as null, too."""
    kinds = [kind for kind in schema.get("anyOf", ()) if kind.get("type") != "null"]
    merged = {**kinds[0], **schema} if len(kinds) == 1 else schema
    short = {key: merged[key] for key in _KEPT_OF_ARGUMENT if merged.get(key) is not None}
    if isinstance(short.get("items"), dict):
        short["items"] = _argument(short["items"])
    if "type" not in short and "anyOf" in merged:
        short["anyOf"] = [_argument(kind) for kind in kinds]
    return short


def _output(schema: Json) -> Json:
    properties = {
        name: _field(field, schema.get("$defs", {}))
        for name, field in schema.get("properties", {}).items()
    }
    return {"type": "object", "properties": properties, "required": list(properties)}


def _field(schema: Json, definitions: Json) -> Json:
    """The type of one field; no type for one that may be null."""
    if reference := schema.get("$ref"):
        schema = definitions[str(reference).rpartition("/")[2]]
    return {"type": schema["type"]} if "type" in schema else {}
