"""What happens in a storm, and when: a function of the seed alone."""

from __future__ import annotations

import random
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

ROLES = ("api", "worker", "projector", "tracker", "watcher")
PRICE = Decimal(150)  # of SOL/USDC in the local chain's genesis
MARKET_PAIRS = (("SOL", "USDC", "0.05"), ("USDC", "SOL", "6"), ("JUP", "USDC", "20"), ("USDT", "USDC", "10"))
QUIET_AT_FIRST_S, QUIET_AT_LAST_S = 5.0, 10.0


@dataclass(frozen=True)
class Strike:
    """One fault: ``kind`` on ``target``, ``at`` seconds after the beginning, for ``seconds`` where it lasts.

    ``second``: of two endpoints it strikes the one that lies.
    """

    at: float
    kind: str
    target: str
    seconds: float = 0.0
    params: dict[str, Any] = field(default_factory=dict, hash=False)
    second: bool = False

    @property
    def name(self) -> str:
        return f"{self.kind} {self.target}"


@dataclass(frozen=True)
class Asked:
    """One order: its terms, how often it is posted, and whether its stream is asked for every event.

    ``cancelled_after``: so many seconds after it was accepted somebody asks for its cancel; ``amended_after``: for the
    terms ``amended_to``.
    """

    at: float
    terms: dict[str, Any]
    times: int
    events: bool
    cancelled_after: float | None = None
    amended_after: float | None = None
    amended_to: dict[str, Any] = field(default_factory=dict, hash=False)

    @property
    def client_order_id(self) -> str:
        return str(self.terms["clientOrderId"])


@dataclass(frozen=True)
class _Card:
    """A kind of strike: how often it comes beside the others, how long it lasts at least and at most."""

    kind: str
    target: str
    weight: int = 1
    least: float = 0.0
    most: float = 0.0
    params: dict[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return f"{self.kind} {self.target}"


# By PROCESSES, how the engine is divided.
_ENGINE = {
    "roles": (
        *(_Card("kill", role, 3) for role in ROLES),
        *(_Card("stop", role, 1, 1, 60) for role in ("projector", "tracker", "watcher")),
        _Card("stop", "worker", 1, 1, 20),
        _Card("stop", "api", 1, 1, 8),
    ),
    "core": (_Card("kill", "core", 15), _Card("stop", "core", 5, 1, 8)),
}
_SERVERS = (
    _Card("kill", "postgres", 2),
    _Card("restart", "postgres", 2),
    _Card("stop", "postgres", 1, 1, 6),
    _Card("kill", "valkey", 2),
    _Card("stop", "valkey", 1, 1, 10),
    _Card("empty", "valkey", 3),
    _Card("kill", "engine", 1),
    _Card("stop", "engine", 1, 1, 10),
    _Card("kill", "node", 1),
    _Card("stop", "node", 1, 1, 6),
    _Card("kill", "everything", 1),
)
# The faults of tests/chaos/faults.py with their parameters.
_NODE = (
    _Card("node", "error", 1, 2, 8, {"probability": 0.5, "code": -32005}),
    _Card("node", "error", 1, 2, 8, {"probability": 0.5, "code": -32603, "executed": True}),
    _Card("node", "error", 1, 2, 8, {"probability": 0.7, "code": -32002, "methods": ("sendTransaction",)}),
    _Card("node", "http", 1, 2, 8, {"probability": 0.5, "status": 429}),
    _Card("node", "http", 1, 2, 8, {"probability": 0.5, "status": 503, "executed": True}),
    _Card("node", "html", 1, 2, 6, {"probability": 0.5}),
    _Card("node", "half", 1, 2, 6, {"probability": 0.5}),
    _Card("node", "slow", 1, 2, 8, {"probability": 0.5, "by": 0.8}),
    _Card("node", "timeout", 1, 2, 5, {"probability": 0.2}),
    _Card("node", "timeout", 2, 2, 5, {"probability": 0.7, "executed": True, "methods": ("sendTransaction",)}),
    _Card("node", "drop", 2, 5, 15, {"probability": 0.7}),
    _Card("node", "drop", 1, 18, 24, {}),  # longer than a blockhash lives: attempts expire
    _Card("node", "delay", 1, 3, 10, {"probability": 0.7, "blocks": 40}),
    _Card("node", "duplicate", 1, 3, 15, {"times": 5}),
    _Card("node", "blind", 1, 5, 20, {}),
    _Card("node", "behind", 1, 5, 20, {"slots": 20}),
    _Card("node", "stale", 1, 5, 20, {"slots": 60}),
    _Card("node", "purged", 1, 5, 20, {"keeps": 20}),
    _Card("node", "purged", 1, 5, 20, {"keeps": 60, "code": -32009}),
    _Card("node", "genesis", 1, 3, 10, {}),
    _Card("node", "stall", 1, 3, 12, {}),
    _Card("node", "fork", 2, 3, 10, {"probability": 0.4}),
)
_BLOCKS = ("stall", "fork")
_SENDS = ("drop", "delay", "duplicate")
_OF_THE_LIAR = 0.5


def strikes(
    seed: int, minutes: float, processes: str, *, first: Collection[str] = (), each: float = 4.5
) -> list[Strike]:
    """One every ``each`` seconds or so; every kind once before chance alone decides, ``first`` before others.

    ``processes`` is how the engine is divided, "core" or "roles".
    """
    dice = random.Random(f"strikes {seed}")
    kinds = (*_ENGINE[processes], *_SERVERS, *_NODE)
    deck = list(kinds)
    dice.shuffle(deck)
    deck.sort(key=lambda card: card.name in first)  # dealt from the end
    found, at, end = [], QUIET_AT_FIRST_S, minutes * 60 - QUIET_AT_LAST_S
    while at < end:
        card = deck.pop() if deck else dice.choices(kinds, [one.weight for one in kinds])[0]
        seconds = round(min(dice.uniform(card.least, card.most), max(card.least, end - at)), 1)
        params = dict(card.params, seed=dice.randrange(2**32)) if card.kind == "node" else {}
        # Blocks are made once, whoever is asked for them; transactions are sent to the one that lies.
        second = card.target not in _BLOCKS and (card.target in _SENDS or at % 1 < _OF_THE_LIAR)
        found.append(Strike(round(at, 2), card.kind, card.target, seconds, params, second))
        at += dice.uniform(0.5 * each, 1.5 * each)
    return found


def orders(seed: int, count: int, minutes: float, *, cancels: bool = False, amends: bool = False) -> list[Asked]:
    """Seven of ten market orders, two limit, one stop-limit; one of five is posted more than once.

    With ``cancels`` one of four is cancelled: half of them while they are being executed, half a while later.
    With ``amends`` every other that waits for a price is given another price or amount.
    """
    dice = random.Random(f"orders {seed}")
    latest = minutes * 60 - QUIET_AT_LAST_S
    times = sorted(dice.uniform(0.5, latest) for _ in range(count))
    found = [_order(dice, f"storm-{seed}-{n}", at) for n, at in enumerate(times)]
    if amends:
        changes = random.Random(f"amends {seed}")
        found = [_amended(changes, one) if changes.random() < 1 / 2 else one for one in found]
    if cancels:
        others = random.Random(f"cancels {seed}")
        found = [replace(one, cancelled_after=_moment(others)) if others.random() < 1 / 4 else one for one in found]
    return found


def _amended(dice: random.Random, asked: Asked) -> Asked:
    """With a price nearer to the market or farther from it, or with less to swap."""
    if asked.terms["type"] == "market":
        return asked
    name = dice.choice(("limitPrice", "amountIn"))
    factor = Decimal(dice.randint(9_900, 10_100) if name == "limitPrice" else dice.randint(5_000, 9_900)) / 10_000
    places = Decimal("0.000001")
    terms = {name: str((Decimal(asked.terms[name]) * factor).quantize(places))}
    return replace(asked, amended_after=_moment(dice), amended_to=terms)


def shared(asked: Sequence[Asked], accounts: int) -> list[Asked]:
    """The same orders, with each client order id used by each of so many accounts, which take turns."""
    named = [asked[number // accounts].client_order_id for number in range(len(asked))]
    return [replace(one, terms={**one.terms, "clientOrderId": name}) for one, name in zip(asked, named, strict=True)]


def _moment(dice: random.Random) -> float:
    return dice.choice((dice.uniform(0, 0.5), dice.uniform(0, 8)))


def _order(dice: random.Random, client_order_id: str, at: float) -> Asked:
    kind = dice.choices(("market", "limit", "stop-limit"), (7, 2, 1))[0]
    token_in, token_out, amount = dice.choice(MARKET_PAIRS if kind == "market" else MARKET_PAIRS[:2])
    size = Decimal(amount) * dice.randint(10, 30) / 10
    terms: dict[str, Any] = {
        "clientOrderId": client_order_id,
        "type": kind,
        "tokenIn": token_in,
        "tokenOut": token_out,
        "amountIn": str(size),
        "slippageBps": 300,
    }
    sells = token_in == "SOL"
    # From met at once to a distance the market walks now and then.
    away = PRICE * dice.randint(-60, 120) / 10_000
    if kind == "limit":
        terms["limitPrice"] = str(PRICE + away if sells else PRICE - away)
    elif kind == "stop-limit":
        stop = PRICE - away if sells else PRICE + away
        terms |= {"stopPrice": str(stop), "limitPrice": str(stop * (Decimal("0.98") if sells else Decimal("1.02")))}
    return Asked(at, terms, dice.choice((1, 1, 1, 1, 3)), dice.random() < 0.5)
