"""Where orders settle: the client, the evidence, the wallets, the checks on a transaction."""
