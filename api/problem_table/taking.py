"""An order that is sound, and isn't taken now: by an operator's word, its account's limits, or an outage."""

from __future__ import annotations

from api.problem_table.entry import Entry

TAKING = (
    Entry(
        "trading_halted",
        423,
        True,
        "an operator has halted the account or the engine; nothing was recorded. Orders that were taken before wait",
        "send it again once `tradingState` of `GET /api/account` is `active`",
    ),
    Entry(
        "trading_reducing",
        423,
        True,
        "only sells are taken, by an operator's word; nothing was recorded",
        "send it again once `tradingState` of `GET /api/account` is `active`",
    ),
    Entry(
        "pair_not_allowed", 422, False, "the account's limits don't name the pair", "trade another pair, or ask for it"
    ),
    Entry(
        "price_outside_band",
        422,
        False,
        "a price of the order is further from the market's than the account's limits allow",
        "choose a price nearer to the market's",
    ),
    Entry(
        "order_too_large",
        422,
        False,
        "the order is worth more USDC than the account's limits allow",
        "send a smaller order",
    ),
    Entry(
        "open_orders_exceeded",
        429,
        True,
        "the account has as many open orders as it may",
        "send it again once an order has ended",
    ),
    Entry(
        "notional_exceeded",
        429,
        True,
        "with it the account would have submitted more USDC's worth today (UTC) than it may, or have more of it open",
        "send a smaller order, or wait for the next day or for an order's end, by `limit`",
    ),
    Entry(
        "rates_unavailable",
        503,
        True,
        "Valkey can't count the account's orders a minute, and `RATES_WITHOUT_VALKEY` is `closed`",
        "send it again after `Retry-After`",
    ),
    Entry(
        "chain_unknown",
        503,
        True,
        "no Solana node has said since the start which chain this is, or the endpoints contradict each other, and the "
        "log holds no order that tells it; nothing was recorded",
        "send it again after `Retry-After`",
    ),
    Entry(
        "wrong_chain",
        503,
        True,
        "the node serves another chain than the log's; nothing is traded until it serves the log's, or an operator has "
        "corrected `SOLANA_RPC_URL` or the database",
        "send it again after `Retry-After`, and tell the operator",
    ),
    Entry(
        "log_behind",
        503,
        False,
        "the log was put back to an earlier moment and waits for an operator "
        "([operating.md](operating.md#a-log-that-was-put-back)); nothing was recorded",
        "send the order with a `clientOrderId`: such orders are taken and wait",
    ),
    Entry(
        "outcome_unknown",
        503,
        True,
        "nobody can tell yet whether the order was recorded; `orderId` and `links` later show it, or 404. `retryable` "
        "is true where a `clientOrderId` was given, and only then is there a `Retry-After`",
        "with a `clientOrderId` send the same again; without one a repeat could be a second: follow `links.order`",
    ),
)
