"""`surefill resume`: an account trades again, with the operator's reason kept in the log."""

from typing import Annotated

import typer

from cli.arguments import Because, not_empty
from cli.operator import account_named, print_outcome
from domain.directory import DEFAULT_NAME
from domain.errors import DomainError
from runtime import addresses, settings
from runtime.composition import open_store


def resume(
    because: Because,
    account: Annotated[str, typer.Option(help="The account that trades again.", callback=not_empty)] = DEFAULT_NAME,
) -> None:
    """Let an account trade on after a contradiction between chain and log has halted it, or a log that was put back.

    What `surefill trading` has set for the account is lifted with it; what it has set for the engine stays.
    """
    print_outcome("resume", _resume(account, because))


async def _resume(account: str, because: str) -> str:
    found = addresses.completed(settings.load(), "database_url", "redis_url")
    async with open_store(found, "resume") as store:
        account_id = await account_named(store, account)
        refusal = None
        try:
            await store.accounts.resume(account_id, because)
        except DomainError as refused:
            if refused.code != "not_halted":
                raise
            refusal = refused
        still = (await store.trading.of(account_id)).why
        await store.notifier.said()
    but = f"; but {still}" if still else ""
    if refusal is not None:
        raise DomainError(refusal.code, f"{refusal.detail.removesuffix('.')}{but}.")
    return f"trading goes on{but}"
