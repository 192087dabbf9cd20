"""The command line is tried beside the small engines of the runtime's tests."""

from tests.integration.runtime.conftest import data_dir, start

__all__ = ["data_dir", "start"]
