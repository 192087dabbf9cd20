"""The `surefill` command: what an operator asks for."""

from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from cli.arguments import Because, positive_decimal
from runtime import roles


def resolve(
    order: Annotated[UUID, typer.Argument(help="The order's id.")],
    attempt: Annotated[int, typer.Argument(help="The attempt's number, 1 for the first.")],
    because: Because,
    expired: Annotated[bool, typer.Option("--expired", help="It can never land.")] = False,
    landed: Annotated[bool, typer.Option("--landed", help="It landed, and swapped.")] = False,
    amount_out: Annotated[str, typer.Option(help="With --landed: the token units received.")] = "",
    slot: Annotated[int, typer.Option(min=0, help="With --landed: the slot it landed in.")] = 0,
    fee_lamports: Annotated[int, typer.Option(min=0, help="With --landed: the network fee paid.")] = 5_000,
) -> None:
    """End an attempt whose outcome can never be known from the chain again; refused while it still can."""
    from cli.resolve import Received, resolve

    if expired == landed:
        raise typer.BadParameter("say one of --expired and --landed")
    received = None
    if landed:
        if not slot:
            raise typer.BadParameter("--landed needs --slot and --amount-out")
        amount = positive_decimal(amount_out, what="what was received", param_hint="--amount-out")
        received = Received(slot, amount, fee_lamports)
    raise typer.Exit(roles.guarded("resolve", lambda: print(resolve(order, attempt, received, because))))


def resume(because: Because) -> None:
    """Let trading go on after a contradiction between chain and log has halted it."""
    from cli.resolve import resume

    raise typer.Exit(roles.guarded("resume", lambda: print(resume(because))))


def verify(
    checkpoint: Annotated[
        Path | None, typer.Option(help="A file of `surefill checkpoint`: finds any change up to its position.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON line a finding, the verdict last.")] = False,
    no_chain: Annotated[
        bool, typer.Option("--no-chain", help="Leave the chain out; the verdict then says so.")
    ] = False,
) -> None:
    """Compare the log with its hashes, the read models with the log, and the log with the chain.

    Exit codes: 0 all equal, 1 something differs, 2 a wrong argument or setting, 3 something could not be checked.
    """
    from verification.run import verify

    raise typer.Exit(verify(checkpoint, as_json=as_json, chain=not no_chain))


def checkpoint(
    file: Annotated[str, typer.Argument(help="Where to write it; - is stdout.")] = "-",
) -> None:
    """Write what the log is now, for `verify --checkpoint`; keep it where nobody who can change the log can."""
    from verification.run import take_checkpoint

    where = None if file == "-" else Path(file)
    raise typer.Exit(roles.guarded("checkpoint", lambda: take_checkpoint(where)))


def rebuild(
    name: Annotated[str, typer.Argument(help="The read model: orders.")],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON line a finding, what was done last.")] = False,
) -> None:
    """Fill a read model anew from the log beside the live one, compare the two, and put it in its place.

    Nothing stops for it. Exit codes: 0 replaced, and the two were equal; 1 not replaced (one sentence on stderr says
    why); 2 a wrong argument or setting; 3 replaced, and the old one differed: it is kept as orders_v1_replaced.
    """
    from cli.rebuild import rebuild
    from projections.rebuild import NAMES

    if name not in NAMES:
        raise typer.BadParameter(f"there is no read model {name!r}; there is {', '.join(NAMES)}", param_hint="NAME")
    raise typer.Exit(rebuild(as_json=as_json))
