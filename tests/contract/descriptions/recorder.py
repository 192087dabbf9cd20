"""A node's front that notes every call and its answer, and changes neither."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import ClientSession, web

from tests.contract.descriptions.deviations import with_text_id
from tests.contract.descriptions.exchange import Exchange
from tests.ports import free_port

BESIDE = "x-asked-beside"
_KEY = {"api-key": "a key"}


class Recorder:
    """In front of the node at ``url``. Of calls whose forms, requests' and answers', are alike the first is kept."""

    def __init__(self, url: str, session: ClientSession) -> None:
        self._url, self._session = url, session
        self.calls: dict[str, int] = {}
        self._found: dict[tuple[str, str, bool], Exchange] = {}

    @property
    def exchanges(self) -> list[Exchange]:
        return list(self._found.values())

    async def answer(self, request: web.Request) -> web.Response:
        body = await request.read()
        headers = {"content-type": request.headers.get("content-type", "")}
        async with self._session.request(request.method, self._url + request.path, data=body, headers=headers) as given:
            answer, status = await given.read(), given.status
        if request.method == "POST" and status == 200:
            self._note(json.loads(body), json.loads(answer), by_us=BESIDE not in request.headers)
        return web.Response(body=answer, status=status, content_type=given.content_type)

    def _note(self, asked: Any, answered: Any, *, by_us: bool) -> None:
        requests, answers = (asked, answered) if isinstance(asked, list) else ([asked], [answered])
        by_id = {answer["id"]: answer for answer in answers}
        for one in requests:
            method, answer = one["method"], by_id[one["id"]]
            self.calls[method] = self.calls.get(method, 0) + by_us
            form = json.dumps([_form(one), _form(answer)])
            self._found.setdefault(
                (method, form, by_us),
                Exchange(
                    f"{method}.yaml", "", "post", "/", _KEY,
                    asked=with_text_id(one), answer=json.dumps(with_text_id(answer)), by_us=by_us,
                ),
            )  # fmt: skip


def _form(value: Any) -> Any:
    """The kinds of what ``value`` holds; of a list each kind once."""
    if isinstance(value, dict):
        return {name: _form(one) for name, one in sorted(value.items())}
    if isinstance(value, list):
        return sorted({json.dumps(_form(one)) for one in value})
    return type(value).__name__


@asynccontextmanager
async def recording(url: str) -> AsyncIterator[tuple[Recorder, str]]:
    """A recorder before the node at ``url``, and the address to ask."""
    async with ClientSession() as session:
        recorder, port = Recorder(url, session), free_port()
        app = web.Application(client_max_size=2**20)
        app.router.add_route("*", "/{tail:.*}", recorder.answer)
        runner = web.AppRunner(app)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", port).start()
            yield recorder, f"http://127.0.0.1:{port}"
        finally:
            await runner.cleanup()
