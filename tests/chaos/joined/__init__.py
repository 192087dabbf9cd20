"""How long until an order whose transaction got lost is confirmed by another, and until a cancel comes to its end."""
