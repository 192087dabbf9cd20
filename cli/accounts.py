"""`surefill accounts`: who trades here, each with a wallet of its own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from chains.errors import WalletError
from chains.networks import network_of
from chains.wallet_files import WalletFiles
from cli.console import table_console
from cli.directory import OpenDirectory, open_directory
from cli.limits import limits
from cli.operator import operator, run_command
from domain.directory import DEFAULT_ACCOUNT, Account, account_id_of
from domain.errors import DomainError
from runtime import preflight, program
from runtime.errors import ServerUnreachableError, StartupError
from runtime.settings import Settings
from runtime.signers import load_wallet

app = typer.Typer(
    help="Accounts: each has its keys, its wallet and its orders, and none sees another's.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    add_completion=False,
    pretty_exceptions_enable=False,
)

app.command()(limits)

AsJson = Annotated[bool, typer.Option("--json", help="As JSON.")]


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="1 to 40 of a-z 0-9 . _ -; it stays for ever.")],
    wallet: Annotated[
        Path | None, typer.Option(help="The keypair file of its wallet; on the local chain one is made and funded.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Create an account. Its wallet's file is copied to DATA_DIR/wallets, where the worker finds it.

    It needs the database alone, and starts the embedded one where no engine runs.
    """

    def run() -> None:
        account = run_command(_create(name, wallet))
        shown = _json(account)
        print(json.dumps(shown) if as_json else f"account {account.name} trades with wallet {account.wallet}")

    raise typer.Exit(program.guarded("accounts", run))


@app.command("list")
def list_accounts(as_json: AsJson = False) -> None:
    """List the accounts."""

    def run() -> None:
        accounts = run_command(_list())
        if as_json:
            print(json.dumps({"items": [_json(account) for account in accounts]}))
            return
        table = Table("account", box=None, pad_edge=False)
        table.add_column("id", min_width=36)
        table.add_column("wallet", min_width=44)
        for account in accounts:
            table.add_row(account.name, str(account.account_id), account.wallet or "-")
        table_console().print(table, soft_wrap=True)

    raise typer.Exit(program.guarded("accounts", run))


async def _create(name: str, file: Path | None) -> Account:
    account_id_of(name)  # before anything is written
    async with open_directory(begins=True) as directory:
        if directory.known.named(name) is not None:
            raise DomainError("account_exists", f"There is an account {name} already.")
        wallet = await _wallet(directory.settings, file)
        return await directory.commands.open(name, wallet, by=operator())


async def _wallet(settings: Settings, file: Path | None) -> str:
    """The address of the account's wallet, whose file is where the worker looks for it."""
    files = WalletFiles(settings.wallets_directory)
    try:
        if file is None:
            await _require_local_chain(settings)
            return files.create()
        if settings.wallet_file.exists() and load_wallet(file).address == load_wallet(settings.wallet_file).address:
            raise DomainError("wallet_taken", "The account default trades with that wallet.")
        return files.take(file)
    except WalletError as refused:
        raise StartupError(str(refused)) from None


async def _require_local_chain(settings: Settings) -> None:
    """A wallet is only made for a chain of our own; that of a real chain is given."""
    if not settings.solana_rpc_url:
        return
    try:
        network = network_of(await preflight.solana(settings.solana_rpc_url))
    except ServerUnreachableError as unreachable:
        raise StartupError(f"{unreachable}; a wallet is made for a local chain alone: --wallet FILE") from None
    if network != "localnet":
        raise StartupError(f"on {network} an account's wallet is given: --wallet FILE")


async def _list() -> list[Account]:
    async with open_directory() as directory:
        return [_with_default_wallet(directory, account) for account in directory.known.accounts]


def _with_default_wallet(directory: OpenDirectory, account: Account) -> Account:
    file = directory.settings.wallet_file
    if account.account_id != DEFAULT_ACCOUNT or not file.exists():
        return account
    return Account(account.account_id, account.name, load_wallet(file).address)


def _json(account: Account) -> dict[str, str | None]:
    return {"accountId": str(account.account_id), "name": account.name, "wallet": account.wallet}
