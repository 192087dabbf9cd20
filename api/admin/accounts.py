"""POST /api/admin/accounts, POST and DELETE /api/admin/keys."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from litestar import Controller, Request, delete, post
from litestar.openapi.spec import Example
from litestar.params import PathParameter
from pydantic import Field

from api.admin import bodies
from api.admin.openapi import AccountOperation, KeyOperation
from api.callers.caller import InjectedCaller
from api.callers.rules import ADMIN
from api.errors import ProblemError
from api.openapi import DocumentedOperation, problems
from api.orders.document import BODY_LIMIT, media_type
from api.services import InjectedServices
from domain.directory import Account
from projections.order_view import View


class AccountMade(View):
    account_id: UUID
    name: str = Field(examples=["desk"])
    wallet: str | None = Field(description="Null until it has one: on the local chain the worker makes one.")


class KeyMade(View):
    key_id: UUID
    key: str = Field(description="Shown this once, and kept nowhere.", examples=["sf_..."])
    scopes: list[str]


class KeyRevokedView(View):
    key_id: UUID
    revoked: bool = True


KeyId = Annotated[
    str,
    PathParameter(
        description="As the answer that made it said.",
        schema_extra={"format": "uuid"},
        examples=[Example(summary="A key's id", value="01a21918-b8b0-7d38-9a6c-baf4ddda5ed7")],
    ),
]


class AdminController(Controller):
    path = "/api/admin"
    tags = ("admin",)
    opt = ADMIN

    @post(
        "/accounts",
        status_code=201,
        request_max_body_size=BODY_LIMIT,
        operation_class=AccountOperation,
        operation_id="createAccount",
        summary="Create an account",
        response_description="The account. It stays for ever, and so does its name.",
        responses=problems(
            "invalid_json",
            "unsupported_media_type",
            "unknown_field",
            "invalid_account_name",
            "account_exists",
            "log_unavailable",
        ),
    )
    async def create_account(
        self, request: Request[Any, Any, Any], services: InjectedServices, caller: InjectedCaller
    ) -> AccountMade:
        """On the local chain it gets a wallet, which is funded; on a real one `surefill accounts create --wallet` gives
        it one.
        """
        fields = bodies.read_fields(await request.body(), media_type(request.headers), ("name",))
        made = await services.directory.open(bodies.text(fields, "name"), None, by=caller.shown)
        return account_made(made)

    @post(
        "/keys",
        status_code=201,
        request_max_body_size=BODY_LIMIT,
        operation_class=KeyOperation,
        operation_id="createKey",
        summary="Make a key",
        response_description="The key, shown this once.",
        responses=problems(
            "invalid_json",
            "unsupported_media_type",
            "unknown_field",
            "invalid_field",
            "account_not_found",
            "log_unavailable",
        ),
    )
    async def create_key(
        self, request: Request[Any, Any, Any], services: InjectedServices, caller: InjectedCaller
    ) -> KeyMade:
        """A key acts for one account, with `scopes` of `read`, `trade` and `admin`, until `expiresIn`.

        Each request makes another key, and takes no notice of `Idempotency-Key`. Where an answer was lost, its key may
        be live, and nobody has it: `surefill keys list` shows it as never used, and it is to be revoked.
        """
        fields = bodies.read_fields(
            await request.body(), media_type(request.headers), ("account", "scopes", "expiresIn")
        )
        scopes, lifetime = bodies.scopes(fields.get("scopes")), bodies.lifetime(fields.get("expiresIn"))
        account = account_named(services, bodies.text(fields, "account"))
        ends = services.clock() + lifetime if lifetime else None
        made = await services.directory.issue(account.account_id, scopes, ends, by=caller.shown)
        return KeyMade(key_id=made.key_id, key=made.key, scopes=list(scopes))

    @delete(
        "/keys/{key_id:str}",
        status_code=200,
        operation_class=DocumentedOperation,
        operation_id="revokeKey",
        summary="Revoke a key",
        response_description="It opens nothing any more; streams that it opened are closed.",
        responses=problems("invalid_field", "key_not_found", "log_unavailable"),
    )
    async def revoke_key(self, services: InjectedServices, caller: InjectedCaller, key_id: KeyId) -> KeyRevokedView:
        """At once, and for ever. Again it changes nothing."""
        try:
            found = UUID(key_id)
        except ValueError:
            raise bodies.invalid_field("A key's id looks like 0190f3a4-....", "keyId") from None
        await services.directory.revoke(found, by=caller.shown)
        return KeyRevokedView(key_id=found)


def account_made(account: Account) -> AccountMade:
    return AccountMade(account_id=account.account_id, name=account.name, wallet=account.wallet)


def account_named(services: InjectedServices, name: str) -> Account:
    """Raises ``ProblemError("account_not_found")``, ``DomainError("invalid_account_name")``."""
    found = services.accounts.named(name)
    if found is None:
        raise ProblemError(404, "account_not_found", "There is no such account.", field="account")
    return found
