"""`surefill resume`: the account trades again, with the operator's reason kept in the log."""

from cli.arguments import Because
from cli.operator import print_outcome
from commands.ids import DEFAULT_ACCOUNT
from runtime import addresses, settings
from runtime.composition import open_store


def resume(because: Because) -> None:
    """Let trading go on after a contradiction between chain and log has halted it."""
    print_outcome("resume", _resume(because))


async def _resume(because: str) -> str:
    found = addresses.completed(settings.load(), "database_url", "redis_url")
    async with open_store(found, "resume") as store:
        await store.accounts.resume(DEFAULT_ACCOUNT, because)
    return "trading goes on"
