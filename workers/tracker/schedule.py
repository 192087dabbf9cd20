"""What this process plans for one attempt it tracks: when it sends, proves, records and reports again."""

from __future__ import annotations

from dataclasses import dataclass

from domain.backoff import Backoff


@dataclass(slots=True)
class Schedule:
    """Kept for as long as the attempt is tracked, however often the log is read again. Changed by its methods alone.

    Times are seconds of the monotonic clock. Nothing is recorded before ``record_after``: recording has failed
    ``failures`` times in a row. Before ``read_after`` its transaction isn't read: what was read of it can't be so.
    ``uncertain``: it stands with the order what keeps its outcome from being known.
    ``finished``: nothing more is to be learned of the attempt. ``over``: its outcome is recorded, whatever is learned.
    ``others_began``: what follows its order in a list was released.
    ``seen``: the newest status showed it. ``looked_at``: what was told of its guard last is as the log has it.
    """

    tracked_since: float
    last_send: float
    next_proof: float = 0.0
    next_report: float = 0.0
    record_after: float = 0.0
    read_after: float = 0.0
    failures: int = 0
    uncertain: bool = False
    finished: bool = False
    seen: bool = False
    over: bool = False
    looked_at: bool = False
    next_visit: float = 0.0
    others_began: bool = False

    @classmethod
    def starting(cls, now: float) -> Schedule:
        """The schedule of an attempt that begins to be tracked. It counts as sent just now: its first send waits."""
        return cls(tracked_since=now, last_send=now)

    def is_send_due(self, now: float, pause: float) -> bool:
        return now - self.last_send >= pause

    def sent(self, now: float) -> None:
        self.last_send = now

    def may_record(self, now: float) -> bool:
        """Whether what is learned now is recorded; after a failure not for a while."""
        return now >= self.record_after

    def may_read(self, now: float) -> bool:
        """Whether a transaction that a status shows is read now, to be recorded."""
        return now >= self.read_after and self.may_record(now)

    def doubt(self, now: float, pause: float) -> None:
        """Its transaction isn't read before ``pause`` seconds; its end may be proven meanwhile."""
        self.read_after = now + pause

    def wait(self, now: float, pause: float) -> None:
        """Nothing is recorded of it before ``pause`` seconds."""
        self.record_after = now + pause

    def recorded(self) -> None:
        """Recording worked: nothing stands in its way any more."""
        self.failures, self.record_after, self.uncertain = 0, 0.0, False

    def failed(self, now: float, backoff: Backoff) -> None:
        """Recording failed once more, and waits for longer than before."""
        self.failures += 1
        self.record_after = now + backoff.after(self.failures).total_seconds()
        self.uncertain = True

    def is_proof_due(self, now: float) -> bool:
        return now >= self.next_proof and self.may_record(now)

    def proving(self, now: float, pause: float) -> None:
        """A proof begins; the next one doesn't before ``pause`` seconds."""
        self.next_proof = now + pause

    def is_report_due(self, now: float, patience: float) -> bool:
        """Whether it has been tracked for ``patience`` seconds, and wasn't reported to be unknown a moment ago."""
        return now - self.tracked_since > patience and now >= self.next_report

    def reported(self, now: float, pause: float) -> None:
        self.next_report = now + pause

    def shown(self, seen: bool) -> None:
        self.seen = seen

    def is_visit_due(self, now: float) -> bool:
        return now >= self.next_visit

    def visited(self, now: float, pause: float) -> None:
        """Its order is handed over; it isn't again before ``pause`` seconds."""
        self.next_visit = now + pause

    def expiry_unproven(self) -> None:
        self.uncertain = True

    def outcome_is_recorded(self, over: bool) -> None:
        self.over = over

    def others_begin(self) -> None:
        self.others_began = True

    def finish(self) -> None:
        self.finished = True
