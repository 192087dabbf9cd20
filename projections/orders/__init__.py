"""The orders read model, version 1: every order's newest state, listed newest first."""

from pathlib import Path

NAME = "orders_v1"
PROCESSOR = f"projector:{NAME}"
SQL = {path.stem: path.read_bytes() for path in (Path(__file__).parent / "sql").glob("*.sql")}
