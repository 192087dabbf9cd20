select account_id, begun from wallet_history
