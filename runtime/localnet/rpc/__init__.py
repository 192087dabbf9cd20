"""Solana's JSON-RPC, as far as a client that swaps needs it, over the local chain."""

from __future__ import annotations

from runtime.localnet.rpc.accounts import METHODS as ACCOUNTS
from runtime.localnet.rpc.blocks import METHODS as BLOCKS
from runtime.localnet.rpc.cluster import METHODS as CLUSTER
from runtime.localnet.rpc.history import METHODS as HISTORY
from runtime.localnet.rpc.sending import METHODS as SENDING

METHODS = {**ACCOUNTS, **BLOCKS, **CLUSTER, **HISTORY, **SENDING}
