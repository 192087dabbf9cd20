"""Every problem that the API answers with: one table, which docs/errors.md is generated from.

No code is ever renamed or gets another meaning: clients branch on them.
"""

from __future__ import annotations

from api.problem_table.callers import ACCOUNTS, WHO_ASKS
from api.problem_table.changing import AMENDING, DEADMAN
from api.problem_table.entry import Entry
from api.problem_table.everywhere import EVERYWHERE
from api.problem_table.lists import LISTS
from api.problem_table.orders import ORDERS
from api.problem_table.reading import READING
from api.problem_table.taking import TAKING
from api.problem_table.twap import TWAP

SECTIONS: dict[str, tuple[Entry, ...]] = {
    "Who asks": WHO_ASKS,
    "Accounts and keys": ACCOUNTS,
    "Submitting an order": ORDERS + TAKING,
    "Lists of orders": LISTS + TWAP,
    "Amending": AMENDING,
    "The dead-man's switch": DEADMAN,
    "Reading": READING,
    "Everywhere": EVERYWHERE,
}
PROBLEMS = {entry.code: entry for entries in SECTIONS.values() for entry in entries}


def is_retryable(code: str) -> bool:
    """False for a code that isn't in the table: what nobody has thought about isn't worth a repeat."""
    return code in PROBLEMS and PROBLEMS[code].retryable
