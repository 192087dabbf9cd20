"""Orders that exclude each other share a guard, and no others do: what the log says of that, by itself."""

from __future__ import annotations

from event_store.hash_chain.verification import Finding
from verification.attempts import Attempts
from verification.report import RECONCILE, Report


def verify_shared_guards(attempts: Attempts, report: Report) -> None:
    """Once every order was seen."""
    for order_id, number in attempts.won_twice():
        what = f"{number} transactions of orders that exclude each other are recorded as successes"
        report.add(Finding("streams", "differs", what, RECONCILE, order_id))
    for order_id, number in attempts.guarded_apart():
        what = f"orders that exclude each other make {number} guards: the chain would let each of them succeed"
        report.add(Finding("streams", "differs", what, RECONCILE, order_id))
    for order_id, number in attempts.guarded_alike():
        what = f"its guard is that of {number} orders or lists, which have nothing to do with each other"
        report.add(Finding("streams", "differs", what, RECONCILE, order_id))
