"""/docs: the OpenAPI document as one plain page, without a script, so that it reads the same offline."""

from __future__ import annotations

import json
from html import escape
from typing import Any

from litestar import Request
from litestar.openapi.plugins import OpenAPIRenderPlugin

_STYLE = """
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif }
body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
code, pre { font-family: ui-monospace, monospace; font-size: .9em }
pre { overflow-x: auto; padding: .75rem; border: 1px solid #8884; border-radius: .5rem }
section { border-top: 1px solid #8884; margin-top: 2rem }
table { border-collapse: collapse } td, th { text-align: left; padding: .2rem 1rem .2rem 0; vertical-align: top }
"""


class DocumentationPage(OpenAPIRenderPlugin):
    """Rendered on the server; the document itself is at ``/docs/openapi.json``."""

    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:
        info = openapi_schema["info"]
        operations = [
            _operation(path, method, operation)
            for path, item in openapi_schema["paths"].items()
            for method, operation in item.items()
        ]
        schemas = [
            f"<details id='{escape(name)}'><summary><code>{escape(name)}</code></summary>{_json(schema)}</details>"
            for name, schema in openapi_schema.get("components", {}).get("schemas", {}).items()
        ]
        return (
            "<!doctype html><html lang='en'><meta charset='utf-8'>"
            "<meta name='viewport' content='width=device-width'>"
            f"<title>{escape(info['title'])}</title><style>{_STYLE}</style>"
            f"<h1>{escape(info['title'])}</h1><p>{escape(info['description'])}</p>"
            "<p><a href='/docs/openapi.json'>openapi.json</a></p>"
            f"{''.join(operations)}<section><h2>Schemas</h2>{''.join(schemas)}</section></html>"
        ).encode()


def _operation(path: str, method: str, operation: dict[str, Any]) -> str:
    parameters = "".join(_parameter(one) for one in operation.get("parameters", ()))
    answers = "".join(_answer(status, answer) for status, answer in operation["responses"].items())
    body = "".join(
        f"<h3>Body <code>{escape(media)}</code></h3>{_json(content)}"
        for media, content in operation.get("requestBody", {}).get("content", {}).items()
    )
    return (
        f"<section><h2><code>{method.upper()} {escape(path)}</code></h2>"
        f"<p>{escape(operation.get('summary', ''))}. {escape(operation.get('description') or '')}</p>"
        + (f"<h3>Parameters</h3><table>{parameters}</table>" if parameters else "")
        + f"{body}<h3>Answers</h3><table>{answers}</table></section>"
    )


def _parameter(one: dict[str, Any]) -> str:
    where = f"{one['in']}{', required' if one.get('required') else ''}"
    said = escape(one.get("description") or "")
    return f"<tr><td><code>{escape(one['name'])}</code></td><td>{where}</td><td>{said}</td></tr>"


def _answer(status: str, answer: dict[str, Any]) -> str:
    schemas = [content.get("schema", {}) for content in answer.get("content", {}).values()]
    names = [schema["$ref"].rpartition("/")[2] for schema in schemas if "$ref" in schema]
    links = " ".join(f"<a href='#{escape(name)}'><code>{escape(name)}</code></a>" for name in names)
    return f"<tr><td><code>{status}</code></td><td>{escape(answer['description'])}</td><td>{links}</td></tr>"


def _json(value: Any) -> str:
    return f"<pre>{escape(json.dumps(value, indent=2, ensure_ascii=False))}</pre>"
