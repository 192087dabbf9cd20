"""What the read side counts. Names and units follow Prometheus' conventions."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

PROJECTION_POSITION = Gauge("surefill_projection_position", "Position a read model has reached.", ["projection"])
PROJECTION_LAG = Gauge(
    "surefill_projection_lag_seconds", "Age of the newest event of the last batch when it was folded.", ["projection"]
)
PROJECTION_BATCH = Histogram(
    "surefill_projection_batch_events",
    "Events folded in one transaction.",
    ["projection"],
    buckets=(1, 3, 10, 30, 100, 300, 1_000),
)
DEAD_LETTERS = Counter(
    "surefill_projection_dead_letters_total", "Orders a read model set aside as unreadable.", ["projection"]
)
LIVE_POSITION = Gauge("surefill_live_position", "Position up to which this process has passed events on to streams.")
SUBSCRIPTIONS = Gauge("surefill_live_subscriptions", "Streams this process passes events on to.")
FOLLOWED = Gauge("surefill_live_orders", "Orders whose messages are in memory for streams.")
MESSAGES_MADE = Counter("surefill_live_messages_made_total", "Messages made, each once for all streams of its order.")
TOO_SLOW = Counter("surefill_live_too_slow_total", "Subscriptions ended because they fell too far behind.")
