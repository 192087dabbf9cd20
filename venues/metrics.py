"""What is counted of remote venues. Names and units follow Prometheus' conventions."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

REQUESTS = Counter(
    "surefill_venue_requests_total",
    "Requests to a remote venue's service, by what came of each.",
    ["service", "outcome"],
)
REQUEST_SECONDS = Histogram("surefill_venue_request_seconds", "How long a service took to answer.", ["service"])
BREAKER = Gauge("surefill_venue_open", "1 while a service or venue is left alone.", ["name"])
BUDGET_LEFT = Gauge("surefill_venue_budget_left", "Requests left in the service's window, as last known.", ["service"])
PRICE_DISAGREEMENTS = Counter(
    "surefill_price_disagreements_total", "Observations of a pair on which price sources did not agree.", ["pair"]
)
