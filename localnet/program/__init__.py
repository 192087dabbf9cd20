"""The swap program of the local chain: its source, how it is built, and the built program that is executed."""

from __future__ import annotations

from pathlib import Path

PROGRAM_FILE = Path(__file__).with_name("constant_product.so")
SHA256_FILE = Path(__file__).with_name("constant_product.so.sha256")
