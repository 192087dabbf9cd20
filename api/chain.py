"""What is known of the chain by now: its node may not have answered yet."""

from __future__ import annotations

from dataclasses import dataclass

from api.errors import ProblemError

# The node is asked again at most this many seconds later.
RETRY_AFTER = "5"


@dataclass(frozen=True, slots=True)
class KnownChain:
    """``network`` is None while neither the node nor the log has told which it is; ``refusal`` says why nothing may be
    traded here, where that is so.
    """

    network: str | None
    refusal: str | None = None

    def tradable_network(self) -> str:
        """The network that a new order is for, or a price is of; raises ``ProblemError`` where there is none."""
        if self.refusal:
            raise ProblemError(
                503,
                "wrong_chain",
                f"Nothing can be traded, and nothing was recorded: {self.refusal}.",
                headers={"Retry-After": RETRY_AFTER},
            )
        if self.network is None:
            raise ProblemError(
                503,
                "chain_unknown",
                "It isn't known yet which chain this is: no earlier order says so, and no Solana node has said it in a "
                "way that counts; nothing was recorded. Try again shortly. If it stays so, the check `chain` of "
                "GET /health/ready says why.",
                headers={"Retry-After": RETRY_AFTER},
            )
        return self.network
