"""Who writes what, as PostgreSQL itself tells: each committed write with the name of the connection that made it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import psycopg
from psycopg import sql

# Whose tables they are: a trigger is its table's owner's to make.
_OWNERS = {
    "DATABASE_OWNER_URL": ("surefill.events", "surefill.log_head"),
    "DATABASE_URL": ("surefill_app.positions", "surefill_app.work", "surefill_app.orders_v1", "surefill_app.leases"),
}
_SEEN = """
create unlogged table surefill_app.seen (by text not null, what text not null, at timestamptz not null);
grant insert on surefill_app.seen to public;
grant usage on schema surefill_app to public;
"""
_NOTE = """
create function {schema}.note_who() returns trigger language plpgsql as $$ begin
    insert into surefill_app.seen
    values (current_setting('application_name'), tg_table_name || ' ' || tg_op, clock_timestamp());
    return null;
end $$;
"""


@dataclass(frozen=True)
class Writes:
    """Begins to note at once; ``addresses`` are what `surefill env --owner` shows."""

    addresses: dict[str, str]

    def __post_init__(self) -> None:
        with psycopg.connect(self._url("DATABASE_URL"), autocommit=True) as connection:
            connection.execute(_SEEN)
        for name, tables in _OWNERS.items():
            with psycopg.connect(self._url(name), autocommit=True) as connection:
                schema = tables[0].partition(".")[0]
                connection.execute(sql.SQL(_NOTE).format(schema=sql.Identifier(schema)))
                for table in tables:
                    connection.execute(
                        sql.SQL(
                            "create trigger note_who after insert or update or delete on {table}"
                            " for each row execute function {schema}.note_who()"
                        ).format(table=sql.Identifier(*table.split(".")), schema=sql.Identifier(schema))
                    )

    def by(self, process: int, *, after: datetime) -> list[tuple[str, datetime]]:
        """What the process has written since ``after``, by PostgreSQL's clock."""
        with psycopg.connect(self._url("DATABASE_URL")) as connection:
            query = "select what, at from surefill_app.seen where by like %s and at > %s order by at"
            return connection.execute(query, [f"surefill % {process}", after]).fetchall()

    def clock(self) -> datetime:
        with psycopg.connect(self._url("DATABASE_URL")) as connection:
            row = connection.execute("select clock_timestamp()").fetchone()
        assert row
        return row[0]  # type: ignore[no-any-return]

    def holder(self, processor: str) -> tuple[int, int]:
        """Process id and epoch of whoever holds the lease now."""
        query = "select owner, epoch from surefill_app.leases where processor = %s and expires_at > clock_timestamp()"
        with psycopg.connect(self._url("DATABASE_URL")) as connection:
            row = connection.execute(query, [processor]).fetchone()
        return (int(row[0].rpartition(":")[2]), row[1]) if row else (0, 0)

    def _url(self, name: str) -> str:
        return self.addresses[name].split("?")[0]
