"""Is the process alive, can it do its work, what does it count?"""

from __future__ import annotations

import asyncio
from typing import Literal

import structlog
from litestar import Controller, MediaType, Response, get
from litestar.response import Redirect
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, generate_latest

from api.callers.rules import OPEN
from api.errors import ProblemError
from api.openapi import DocumentedOperation, problems
from api.services import Check, InjectedServices
from projections.order_view import IfKnown, View

log = structlog.get_logger(__name__)

PATIENCE = 1.0


@get("/health", include_in_schema=False, opt=OPEN)
async def health() -> Redirect:
    """Who asks whether all is well wants to know whether orders are taken."""
    return Redirect("/health/ready")


class Alive(View):
    status: Literal["alive"] = "alive"


class CheckResult(View):
    name: str
    ok: bool
    reason: IfKnown[str] = None


class Readiness(View):
    status: Literal["ready", "degraded"]
    checks: list[CheckResult]


class HealthController(Controller):
    tags = ("health",)
    opt = OPEN
    security = ({},)

    @get(
        "/health/live",
        operation_class=DocumentedOperation,
        operation_id="live",
        summary="The process runs",
        response_description="It answers, whatever else it can reach.",
        responses=problems(needs_key=False),
    )
    async def live(self) -> Alive:
        return Alive()

    @get(
        "/health/ready",
        operation_class=DocumentedOperation,
        operation_id="ready",
        summary="It can take orders",
        response_description="Ready, or degraded: orders are taken, and something that helps is unreachable.",
        responses=problems("not_ready", needs_key=False),
    )
    async def ready(self, services: InjectedServices) -> Readiness:
        results = await asyncio.gather(*(_result(check) for check in services.checks))
        pairs = list(zip(services.checks, results, strict=True))
        failed = [check for check, result in pairs if not result.ok]
        if any(check.essential for check in failed):
            names = ", ".join(check.name for check in failed)
            shown = [result.model_dump(by_alias=True) for result in results]
            raise ProblemError(503, "not_ready", f"Not ready: {names}.", headers={"Retry-After": "1"}, checks=shown)
        return Readiness(status="degraded" if failed else "ready", checks=list(results))

    @get(
        "/metrics",
        media_type=MediaType.TEXT,
        operation_class=DocumentedOperation,
        operation_id="metrics",
        summary="What this process counts, for Prometheus",
        response_description="In Prometheus' text format.",
        responses=problems(needs_key=False),
    )
    async def metrics(self) -> Response[bytes]:
        # As a header: to a media type that is text the framework adds the charset, which is named already.
        return Response(generate_latest(REGISTRY), headers={"content-type": CONTENT_TYPE_LATEST})


async def _result(check: Check) -> CheckResult:
    try:
        async with asyncio.timeout(PATIENCE):
            reason = await check.probe()
    except Exception as error:  # noqa: BLE001 - whatever a probe raises is its answer
        # The kind alone: an error's own text may carry an address with its password.
        log.debug("not well", check=check.name, error=type(error).__name__)
        reason = type(error).__name__
    return CheckResult(name=check.name, ok=reason is None, reason=reason)
