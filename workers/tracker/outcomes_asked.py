"""Asking for many outcomes at once, so that what fails for one order fails for no other."""

from __future__ import annotations

from collections.abc import Sequence

from chains.protocol import Chain, Inconclusive, OutcomeQuestion
from domain.evidence import ExpiryEvidence, Landing
from workers.errors import TRANSIENT_ERRORS
from workers.tracker.outcome_recorder import OutcomeRecorder
from workers.tracker.tracked_attempt import TrackedAttempt

Outcome = Landing | ExpiryEvidence | Inconclusive


async def outcomes_of(
    chain: Chain, recorder: OutcomeRecorder, asked: Sequence[tuple[TrackedAttempt, OutcomeQuestion]]
) -> list[tuple[TrackedAttempt, OutcomeQuestion, Outcome]]:
    """What became of each attempt's order. Raises what says nothing of any of them: that the chain can't be reached.

    Where anything else is raised, each is asked alone: the one it was for has no answer, and its order says so.
    """
    try:
        answers = await chain.outcomes([question for _, question in asked])
        return [(*one, answer) for one, answer in zip(asked, answers, strict=True)]
    except TRANSIENT_ERRORS:
        raise
    except Exception:  # noqa: BLE001 - it comes again, and is told of the attempt that it is for
        answered: list[tuple[TrackedAttempt, OutcomeQuestion, Outcome]] = []

        async def ask(attempt: TrackedAttempt, question: OutcomeQuestion) -> None:
            [answer] = await chain.outcomes([question])
            answered.append((attempt, question, answer))

        for attempt, question in asked:
            await recorder.isolate(attempt, ask, attempt, question)
        return answered
