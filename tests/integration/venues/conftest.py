"""The command side is tried on the engine of the workers' tests."""

from tests.integration.workers.conftest import chain_timeout, engine, rpc_url

__all__ = ["chain_timeout", "engine", "rpc_url"]
