"""`surefill recover` says what becomes of what was executed outside of the log."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from cli.executed_outside import executed_outside
from commands.ids import DEFAULT_ACCOUNT
from domain.terms import OrderTerms
from domain.twap_events import TwapSubmitted
from runtime.composition import Store
from tests.golden.account_runs import foreign
from tests.integration.workers.test_twap import RESTS, TERMS

NOBODYS = UUID("0194f2c1-5e7b-7c3a-9d21-6b8e4f0a1c2d")


async def test_a_lost_slice_needs_no_post_where_the_log_has_its_twap(store: Store) -> None:
    asked = TwapSubmitted(
        client_list_id="t", order=OrderTerms(**{**TERMS, **RESTS}), slices=3, every_ms=1_000, network="localnet"
    )
    twap = (await store.twaps.submit(DEFAULT_ACCOUNT, asked, datetime.now(UTC))).twap
    found = [foreign(twap.order_id(2), 1, slot=300), foreign(NOBODYS, 1, slot=301)]
    failed = foreign(twap.order_id(3), 1, slot=302, failed=True)
    await store.foreign.record(DEFAULT_ACCOUNT, found)
    assert [line.partition(": ")[2] for line in await executed_outside(store, [*found, failed])] == [
        f"a slice of the list {twap.list_id}, which is its order again once trading is resumed",
        "ends when it, or its list, is posted again",
    ]
