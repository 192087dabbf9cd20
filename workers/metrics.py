"""What the workers count. Names and units follow Prometheus' conventions."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

STAGE_ORDERS = Counter(
    "surefill_stage_orders_total", "Orders a stage worked on, by what came of it.", ["stage", "outcome"]
)
STAGE_SECONDS = Histogram("surefill_stage_batch_seconds", "Time a stage took for one batch of orders.", ["stage"])
RELAY_POSITION = Gauge("surefill_relay_position", "Position up to which events have been turned into work.")
HINTS_FAILED = Counter(
    "surefill_hints_failed_total", "Hints that could not be handed to the queue; the sweeper repeats them."
)
SWEPT = Counter("surefill_swept_total", "Orders whose work came due and was hinted at again.", ["stage"])
DERIVED = Counter("surefill_work_derived_total", "Work rows that were missing and made again from the log.")
TRACKED = Gauge("surefill_tracked_attempts", "Signatures the tracker follows.")
SENDS = Counter(
    "surefill_sends_total", "Times signed bytes were handed to an endpoint, by what it answered.", ["answer"]
)
BOOK_ORDERS = Gauge("surefill_book_orders", "Orders that wait for a price.")
OBSERVATIONS = Counter("surefill_observations_total", "Price observations, by what came of them.", ["outcome"])
PRICE_STALE = Gauge("surefill_price_stale", "1 while the price source is too old to fire anything.")
FIRED = Counter("surefill_fired_total", "Orders a price made act, by what came of it.", ["outcome"])
FIRE_SECONDS = Histogram("surefill_fire_seconds", "From an observation to the recorded OrderTriggered.")
CONTRADICTIONS = Counter("surefill_contradictions_total", "Landings that contradict the log. Any is an alarm.")
DEAD_LETTERS = Gauge("surefill_dead_letters", "Orders that wait for an operator.", ["processor"])
UNKNOWN = Gauge("surefill_unknown_attempts", "Attempts whose outcome can't be known yet; their orders say why.")
UNKNOWN_AGE = Gauge("surefill_unknown_age_seconds", "How long the oldest of them has been unknown.")
EVIDENCE_MISSING = Counter("surefill_evidence_missing_total", "Attempts whose expiry could not be proven yet, by try.")
