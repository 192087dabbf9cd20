"""`surefill recover`: an operator decides what becomes of a log that was put back; what failed outside is recorded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from cli.executed_outside import executed_outside
from cli.operator import operator, print_outcome
from cli.outside import outside_orders
from cli.set_switches import set_switches
from commands.ids import DEFAULT_ACCOUNT
from commands.recovery import OpenOrder, Recovery, bound_by_guards, require_each_named
from domain.log_behind import LogFoundBehind
from domain.numbers import to_units
from domain.order import Order
from domain.printable import is_recordable
from projections.accounts import wallet_of
from projections.order_view import price
from runtime import addresses, settings
from runtime.composition import Store, open_store
from runtime.errors import StartupError
from runtime.settings import Settings
from verification import witness as witnesses
from verification.witness import Witness
from workers.history.recovery import Outside

ALL = "all"

Names = list[str]


def recover(
    keep: Annotated[Names, typer.Option(help="Orders that go on: ids, or `all` for every one not named.")] = [],  # noqa: B006 - typer's way
    cancel: Annotated[Names, typer.Option(help="Orders that end: ids, or `all` for every one not named.")] = [],  # noqa: B006
    because: Annotated[str, typer.Option(help="Why; recorded in the log. Needed to decide.")] = "",
) -> None:
    """Decide what becomes of a log that was put back to an earlier moment, such as a backup.

    Such a log does not know its lost end: orders that were executed, cancelled, or taken at all after that moment. It
    is found by its witness when a process starts (setting WITNESS), or by the wallet's transactions on the chain, which
    also show another engine that signs with the same wallet. From then on nothing is signed, triggered or ended, and
    `GET /health/ready` says so.

    Stop whatever else signs with the wallet first: nothing here waits for what it signs later.

    **1.** `surefill recover` waits until whatever was signed has landed or never can, about a minute, reads the
    wallet's transactions and records what was executed outside of the log: each order ends as the chain has it, and
    one that the log has lost ends so when it, or its list, is posted again. A slice of a TWAP that the log has is its
    order again once trading is resumed. Where two or more endpoints are configured two have to show it; what they don't
    agree on is named, and nothing is decided before they do. Then it shows every open order.
    Nothing is ever asked for. If the right database is at hand, put that back before, instead: a log that has what its
    witness has seen starts as usual.

    **2.** Compare each open order with what its client was told: one that was cancelled, or ended without a
    transaction, left no trace on the chain.

    **3.** `surefill recover --keep ID --keep ID --cancel all --because TEXT` names every open order, several in one
    option by commas; where none is open there is nothing to name: `surefill recover --because TEXT`. As long as one
    isn't named nothing is recorded. It waits and reads as before. A cancelled order fails with
    `cancelled_at_recovery`; one whose transaction may still land can only be kept. Who decided, and why, is recorded
    with it, and a new witness is written.

    **4.** `surefill resume --because TEXT` lets trading go on. Deadlines that passed meanwhile count then.

    Clients then send again, under its clientOrderId, every order that is missing. Positions of the lost end are
    answered with 410 and `position_lost`. Exit code 1 while there is something to decide, and where a wallet whose key
    file is in DATA_DIR/wallets has history that belongs to no account.

    For a log that is not behind it records, without waiting and whether the engine runs or not, what another program
    signed with the wallet and what failed on the chain: nothing was moved by it but its fee, and `surefill verify`
    agrees from then on.
    """
    keeping, cancelling = _orders(keep, "--keep"), _orders(cancel, "--cancel")
    if keeping.others and cancelling.others:
        raise typer.BadParameter("only one of --keep and --cancel can be all")
    if both := keeping.named & cancelling.named:
        raise typer.BadParameter(f"{min(both)} is named both to be kept and to be cancelled")
    if (keep or cancel) and not because.strip():
        raise typer.BadParameter("say why, in a few words", param_hint="--because")
    if not is_recordable(because):
        raise typer.BadParameter("it isn't UTF-8 text", param_hint="--because")
    print_outcome("recover", _recover(keeping, cancelling, because.strip()))


@dataclass(frozen=True, slots=True)
class Orders:
    """Orders of one option: those that are ``named``, and whether it takes the ``others`` too."""

    named: frozenset[UUID]
    others: bool


def _orders(given: Sequence[str], option: str) -> Orders:
    names = {name.strip() for one in given for name in one.split(",") if name.strip()}
    try:
        return Orders(frozenset(UUID(name) for name in names - {ALL}), ALL in names)
    except ValueError:
        raise typer.BadParameter("takes order ids, or all", param_hint=option) from None


async def _recover(keep: Orders, cancel: Orders, because: str) -> str:
    found = addresses.completed(settings.load(), "database_url", "redis_url", "solana_rpc_url")
    async with open_store(found, "recover") as store:
        behind = await store.accounts.unrecovered(DEFAULT_ACCOUNT)
        if behind is None:
            return await _not_behind(found, store, because)
        recovery = Recovery(store.events, store.orders, store.accounts)
        if because and await store.accounts.history_read(DEFAULT_ACCOUNT):
            # Before anything is waited for: what the first step has shown, more or less, is what is named.
            found_open = await recovery.open_orders()
            kept, cancelled = _decided(keep, cancel, found_open)
            require_each_named({one.order_id for one in found_open}, kept | cancelled)
        async with outside_orders(found, store) as chain:
            outside = await chain.record()
            orders = await recovery.open_orders()
            guarded = await chain.guarded(orders, outside)
            unowned = _unowned(await chain.of_no_account(outside))
        orders = bound_by_guards(orders, guarded)
        if not because:
            executed = await executed_outside(store, outside.recorded)
            switches = await set_switches(store, orders)
            print("\n".join([*_report(behind, executed, outside, orders), *switches, *unowned]))
            raise StartupError(_to_decide(len(orders)))
        kept, cancelled = _decided(keep, cancel, orders)
        recovered = await recovery.decide(
            DEFAULT_ACCOUNT, kept, cancelled, by=operator(), because=because, guarded=guarded
        )
        written = await _write_witness(store, found.witness_file, recovered.epoch)
    decided = (
        f"{len(recovered.kept)} orders kept, {len(recovered.cancelled)} cancelled; epoch {recovered.epoch} began after "
        f"position {behind.ended_at}; {written}. Trading is still halted: surefill resume --because TEXT"
    )
    if unowned:
        print(decided)
        raise StartupError("; ".join(unowned))
    return decided


def _to_decide(open_orders: int) -> str:
    """What is left to do once everything is shown."""
    if open_orders == 0:
        return "no order is open; to finish: surefill recover --because TEXT"
    waiting = "1 open order waits" if open_orders == 1 else f"{open_orders} open orders wait"
    return f"{waiting} for a decision; surefill recover --help says how"


def _decided(keep: Orders, cancel: Orders, orders: Sequence[OpenOrder]) -> tuple[frozenset[UUID], frozenset[UUID]]:
    """Which are kept and which are cancelled."""
    others = frozenset(one.order_id for one in orders) - keep.named - cancel.named
    kept = keep.named | others if keep.others else keep.named
    return kept, cancel.named | others if cancel.others else cancel.named


def _unowned(found: Mapping[str, int]) -> list[str]:
    """A line for each wallet whose transactions belong to no account, with what to do."""
    return [
        f"the wallet {wallet} has history that belongs to no account: {count} transactions. Make its account "
        "again, with this wallet (surefill accounts create NAME --wallet FILE), and run surefill recover again"
        for wallet, count in found.items()
    ]


async def _not_behind(found: Settings, store: Store, because: str) -> str:
    """There is nothing to decide. What failed outside of the log, so that it moved nothing, is recorded all the same:
    `surefill verify` would name it for ever.
    """
    trading = await store.accounts.trading(DEFAULT_ACCOUNT)
    if trading.unreadable:
        raise trading.held("")
    if trading.behind:
        said = "the log is recovered, and trading still halted: surefill resume --because TEXT"
    else:
        said = "the log is not known to be behind; there is nothing to recover"
    # A log without a wallet has signed nothing: which it is to be, its first engine says.
    if because or await wallet_of(store.pool, DEFAULT_ACCOUNT) is None:
        return said
    async with outside_orders(found, store) as chain:
        outside = await chain.record_failures()
    lines = [f"  {one.order_id}  {one.signature}, slot {one.slot}" for one in outside.recorded]
    lines += [f"  {one.reclaim_id}  {one.signature}, slot {one.slot}" for one in outside.reclaims]
    if lines:
        said = "\n".join([f"failed on the chain outside of the log, now recorded: {len(lines)}", *lines, said])
    if outside.left:
        print(said)
        raise StartupError("; ".join(_left(outside)))
    return said


def _left(outside: Outside) -> list[str]:
    """What isn't recorded, and what to do about it."""
    told = []
    if hidden := sorted(outside.hidden.values()):
        others = f", and so of {len(hidden) - 1} more" if hidden[1:] else ""
        told.append(
            f"{hidden[0]}{others}: one endpoint alone proves nothing. Put one that keeps the wallet's transactions in "
            "the place of the one that shows nothing (SOLANA_RPC_URL, SOLANA_EVIDENCE_RPC_URLS), and run surefill "
            "recover again"
        )
    if unknown := [one for one in outside.left if one not in outside.hidden]:
        more = f" and {len(unknown) - 1} more" if unknown[1:] else ""
        told.append(
            f"the wallet's history has {unknown[0]}{more}, which the log doesn't know, and nothing was recorded "
            "of that: it succeeded, and the engine halts for it within 30 s of running; or the endpoints don't show "
            "alike how it failed"
        )
    return told


async def _write_witness(store: Store, file: Path | None, epoch: int) -> str:
    """The witness of the log as it is now: what it showed before is accepted as lost."""
    if file is None:
        return "no witness is kept (WITNESS is off)"
    position, hash_ = await store.events.end()
    try:
        witnesses.write(file, Witness(epoch, position, hash_.hex()))
    except OSError as error:
        raise StartupError(
            f"recovered, but the witness {file} cannot be written ({error.strerror}): a process that starts finds the "
            "log behind once more"
        ) from None
    return f"the witness {file} shows position {position}"


def _report(
    behind: LogFoundBehind, executed: Sequence[str], outside: Outside, orders: Sequence[OpenOrder]
) -> list[str]:
    reclaims = [f"  {one.reclaim_id}  {one.signature}, slot {one.slot}" for one in outside.reclaims]
    return [
        f"the log is behind: {behind.reason}",
        f"what came after position {behind.ended_at} is lost; epoch {behind.epoch} began there",
        f"executed outside of the log, now recorded: {len(executed)}",
        *executed,
        f"reclaims outside of the log, now recorded: {len(reclaims)}",
        *reclaims,
        *(f"  {one}: its guard is closed, and no endpoint shows what it did: failed" for one in outside.closed),
        f"open orders: {len(orders)}",
        *(_line(one, behind) for one in orders),
        "accounts are as they were then, too: a key that was revoked since is valid again, a limit or a halt that was "
        "set since is gone; see surefill keys, surefill accounts and surefill trading",
    ]


def _line(one: OpenOrder, behind: LogFoundBehind) -> str:
    loaded = one.loaded
    if loaded is None or loaded.order is None:
        return f"  {one.order_id}  can't be read, surefill verify says why; it can only be kept"
    taken = "taken since" if loaded.first_position > behind.ended_at else "from before"
    bound = f"; can only be kept: {one.bound}" if one.bound else ""
    with_it = f"; a cancel of it ends {', '.join(map(str, one.ends_with))}, too" if one.ends_with else ""
    return f"  {one.order_id}  {_terms(loaded.order)}, {loaded.order.status}, {taken}{bound}{with_it}"


def _terms(order: Order) -> str:
    limits = [f"{name} {price(at)}" for name, at in (("limit", order.limit_price), ("stop", order.stop_price)) if at]
    named = f" {order.client_order_id}" if order.client_order_id else ""
    return " ".join([f"{order.type}{named}: {order.side} {_amount(order)} of {order.pair.symbol}", *limits])


def _amount(order: Order) -> str:
    if order.amount_out is None:
        return f"{to_units(order.amount_in, order.token_in.decimals)} {order.token_in.symbol}"
    return f"for {to_units(order.amount_out, order.token_out.decimals)} {order.token_out.symbol}"
