"""The read models are tried on the logs of the verification's tests."""

from tests.integration.verification.conftest import audit, three_orders

__all__ = ["audit", "three_orders"]
