"""The read models are tried on the logs of the verification's tests."""

from tests.integration.verification.conftest import books, three_orders

__all__ = ["books", "three_orders"]
