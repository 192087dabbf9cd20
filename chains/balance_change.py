"""How a transaction changed what a wallet holds: computed here alone, from the balances the chain shows of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from chains.answers import Meta, TokenBalance
from domain.tokens import SOL


@dataclass(frozen=True, slots=True)
class BalanceChange:
    """What ``wallet`` holds more of after a transaction, less being negative.

    ``tokens`` is by mint, in base units, over all its token accounts. ``lamports`` is over the wallet and its token
    accounts together, because the rent of an account that it opens or closes only moves between them; the network fee,
    ``fee_lamports`` where the wallet paid it, is not in it, nor is a tip, nor ``guard_lamports``, what went into the
    order's guard as rent. ``account_rent_lamports`` is the rent in token accounts of the wallet's that it made.
    ``wrapped_sol_stayed``: no wrapped-SOL account of the wallet was opened or closed.
    """

    tokens: dict[str, int]
    lamports: int
    fee_lamports: int
    guard_lamports: int
    account_rent_lamports: int
    wrapped_sol_stayed: bool

    def of(self, mint: str) -> int:
        """The amount of one token, as an order that swaps it counts it: rent apart.

        A wrapped-SOL account that is opened or closed in the transaction shows no token balance on that side: then
        what the wallet gained is in lamports.
        """
        gained = self.tokens.get(mint, 0)
        if mint == SOL.mint and not (self.wrapped_sol_stayed and gained):
            return self.lamports
        return gained

    def of_all(self) -> dict[str, int]:
        """Everything that changed, by mint: SOL in lamports, wrapped or not, with any rent paid to others."""
        changed = {**self.tokens, SOL.mint: self.lamports}
        return {mint: amount for mint, amount in changed.items() if amount}


def balance_change(
    meta: Meta, keys: Sequence[str], wallet: str, guard: str | None = None, *, tip_lamports: int = 0
) -> BalanceChange:
    """What the transaction did to ``wallet``; ``keys`` are its accounts, the fee payer first; ``guard`` is the
    order's, whose rent only moves from the wallet to it. ``tip_lamports`` is what it tips where it succeeds.

    ``meta`` must have the balances of every account it names.
    """
    before, after = _owned(meta.pre_token_balances, wallet), _owned(meta.post_token_balances, wallet)
    tokens: dict[str, int] = {}
    for balances, sign in ((before, -1), (after, 1)):
        for balance in balances.values():
            tokens[balance.mint] = tokens.get(balance.mint, 0) + sign * int(balance.ui_token_amount.amount)
    own = before.keys() | after.keys()
    if wallet in keys:
        own |= {keys.index(wallet)}
    guards = {keys.index(guard)} if guard in keys else set()
    made = {index: balance for index, balance in after.items() if index not in before}
    fee = meta.fee if keys[:1] == [wallet] else 0
    tip = tip_lamports if meta.err is None else 0
    return BalanceChange(
        tokens=tokens,
        lamports=_gained(meta, own | guards) + fee + tip,
        fee_lamports=fee,
        guard_lamports=_gained(meta, guards),
        account_rent_lamports=_gained(meta, set(made)) - sum(map(_wrapped_amount, made.values())),
        wrapped_sol_stayed=_wrapped_sol(before) == _wrapped_sol(after),
    )


def _gained(meta: Meta, indices: set[int]) -> int:
    """In lamports."""
    return sum(meta.post_balances[index] - meta.pre_balances[index] for index in indices)


def _owned(balances: Sequence[TokenBalance] | None, wallet: str) -> dict[int, TokenBalance]:
    """The wallet's token accounts, by their index among the transaction's accounts."""
    return {balance.account_index: balance for balance in balances or () if balance.owner == wallet}


def _wrapped_amount(balance: TokenBalance) -> int:
    """The lamports of an account that are its amount, and so no rent."""
    return int(balance.ui_token_amount.amount) if balance.mint == SOL.mint else 0


def _wrapped_sol(balances: dict[int, TokenBalance]) -> set[int]:
    return {index for index, balance in balances.items() if balance.mint == SOL.mint}
