"""Hold every answer of a test run to the OpenAPI document that the server gives out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

TYPES: dict[str, type | tuple[type, ...]] = {
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "array": list,
    "object": dict,
    "null": type(None),
}


class Contract:
    def __init__(self, document: Mapping[str, Any]) -> None:
        self._paths = [
            (re.compile(re.sub(r"\{[^}]+\}", "[^/]+", path)), item) for path, item in sorted(document["paths"].items())
        ]
        # A path without a parameter comes before the one whose parameter would match it.
        self._paths.sort(key=lambda one: "[^/]+" in one[0].pattern)
        self._schemas = document["components"]["schemas"]

    def check(self, method: str, path: str, status: int, media_type: str, body: Any) -> None:
        """Passes over what no route answers: the unknown path, the method a path doesn't take."""
        item = next((item for pattern, item in self._paths if pattern.fullmatch(path)), {})
        operation = item.get(method.lower())
        if operation is None:
            # OPTIONS is HTTP's own: a document says it by naming a path's methods.
            known = (204,) if item and method == "OPTIONS" else (404, 405)
            assert status in known, (method, path, status)
            return
        assert str(status) in operation["responses"], f"{method} {path} does not document {status}"
        content = operation["responses"][str(status)]["content"]
        assert media_type in content, f"{method} {path} {status} does not document {media_type}"
        faults = list(self._faults(content[media_type]["schema"], body, "body"))
        assert not faults, f"{method} {path} {status}: {faults}"

    def _faults(self, schema: Mapping[str, Any], value: Any, at: str) -> Iterable[str]:
        if "$ref" in schema:
            schema = self._schemas[schema["$ref"].rpartition("/")[2]]
        if "oneOf" in schema:
            if all(list(self._faults(one, value, at)) for one in schema["oneOf"]):
                yield f"{at} is none of its forms"
            return
        kind = schema.get("type")
        if isinstance(kind, list):
            if not any(isinstance(value, TYPES[one]) for one in kind):
                yield f"{at} is none of {kind}"
                return
        elif kind and not isinstance(value, TYPES[kind]):
            yield f"{at} is no {kind}"
            return
        if "enum" in schema and value not in schema["enum"]:
            yield f"{at} is not in {schema['enum']}"
        if "const" in schema and value != schema["const"]:
            yield f"{at} is not {schema['const']}"
        if kind == "array":
            for n, one in enumerate(value):
                yield from self._faults(schema["items"], one, f"{at}[{n}]")
        if kind == "object":
            yield from self._object_faults(schema, value, at)

    def _object_faults(self, schema: Mapping[str, Any], value: Mapping[str, Any], at: str) -> Iterable[str]:
        properties = schema.get("properties", {})
        yield from (f"{at} has no {name}" for name in schema.get("required", ()) if name not in value)
        for name, one in value.items():
            if name in properties:
                yield from self._faults(properties[name], one, f"{at}.{name}")
            elif "additionalProperties" not in schema and schema.get("title") != "ProblemDetails":
                yield f"{at}.{name} is not documented"
