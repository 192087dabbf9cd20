"""Solana's JSON-RPC, as far as a client that swaps needs it, over the local chain."""

from __future__ import annotations

from localnet.rpc.accounts import METHODS as ACCOUNTS
from localnet.rpc.blocks import METHODS as BLOCKS
from localnet.rpc.cluster import METHODS as CLUSTER
from localnet.rpc.history import METHODS as HISTORY
from localnet.rpc.sending import METHODS as SENDING
from localnet.rpc.skipping import METHODS as SKIPPING

METHODS = {**ACCOUNTS, **BLOCKS, **CLUSTER, **HISTORY, **SENDING, **SKIPPING}
