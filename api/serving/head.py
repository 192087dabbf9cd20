"""HEAD, wherever GET is answered: the same answer without its content (RFC 9110, 9.3.2)."""

from __future__ import annotations

from api.serving.refusal import Application, Message, Receive, Send


def answering_head(app: Application) -> Application:
    """``app`` asked with GET where the client asks with HEAD, and its content left out."""

    async def application(scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await app(scope, receive, send)
            return

        async def without_content(message: Message) -> None:
            await send({**message, "body": b""} if message["type"] == "http.response.body" else message)

        asked = {**scope, "method": "GET"}
        try:
            await app(asked, receive, without_content)
        finally:
            # By its route the request is counted.
            if "path_template" in asked:
                scope["path_template"] = asked["path_template"]

    return application


def with_head(methods: set[str]) -> set[str]:
    """The methods that a path takes, where the application itself takes ``methods``."""
    return {*methods, "HEAD"} if "GET" in methods else methods
