"""What the workers count. Names and units follow Prometheus' conventions."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

VISITS = Counter("surefill_visits_total", "Visits of orders to be executed, by what came of each.", ["outcome"])
VISIT_SECONDS = Histogram("surefill_visit_seconds", "One order's visit, from its quotes to the answer of its send.")
MESSAGES_FAILED = Counter(
    "surefill_messages_failed_total", "Hand-overs that the queue didn't take; the sweeper repeats them."
)
SWEPT = Counter("surefill_swept_total", "Orders whose work came due and was handed over again.")
DERIVED = Counter("surefill_work_derived_total", "Work rows that were missing and made again from the log.")
TRACKED = Gauge("surefill_tracked_attempts", "Signatures the tracker follows.")
SENDS = Counter(
    "surefill_sends_total", "Times signed bytes were handed to an endpoint, by what it answered.", ["answer"]
)
REFUSED = Counter(
    "surefill_transactions_refused_total",
    "Transactions that venues proposed and nobody signed, by venue and by what is wrong with them.",
    ["venue", "reason"],
)
JOINED = Counter(
    "surefill_joined_attempts_total", "Transactions that joined others of their order, by their purpose.", ["purpose"]
)
BOOK_ORDERS = Gauge("surefill_book_orders", "Orders that wait for a price.")
OBSERVATIONS = Counter("surefill_observations_total", "Price observations, by what came of them.", ["outcome"])
PRICE_STALE = Gauge("surefill_price_stale", "1 while the price source is too old to fire anything.")
FIRED = Counter("surefill_fired_total", "Orders a price made act, by what came of it.", ["outcome"])
EXPIRED_ORDERS = Counter("surefill_expired_orders_total", "Waiting orders that were cancelled at their expiresAt.")
FIRE_SECONDS = Histogram("surefill_fire_seconds", "From an observation to the recorded OrderTriggered.")
CONTRADICTIONS = Counter("surefill_contradictions_total", "Landings that contradict the log. Any is an alarm.")
DEAD_LETTERS = Gauge("surefill_dead_letters", "Orders that wait for an operator.", ["processor"])
UNKNOWN = Gauge("surefill_unknown_attempts", "Attempts whose outcome can't be known yet; their orders say why.")
UNKNOWN_AGE = Gauge("surefill_unknown_age_seconds", "How long the oldest of them has been unknown.")
DISAGREEMENTS = Counter(
    "surefill_endpoint_disagreements_total",
    "Times an endpoint and another showed opposite outcomes of one order or reclaim, by each endpoint's host.",
    ["endpoint"],
)
RECLAIMS = Counter("surefill_reclaims_total", "Reclaims of guards' rents, by what became of each.", ["outcome"])
RENT_RETURNED = Counter("surefill_rent_returned_lamports_total", "Lamports that came back from guards, dust included.")
HISTORY_HEIGHT = Gauge(
    "surefill_wallet_history_height", "Block height up to which the log knows the wallet's transactions."
)
EVIDENCE_MISSING = Counter("surefill_evidence_missing_total", "Attempts whose expiry could not be proven yet, by try.")
