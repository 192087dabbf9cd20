"""Servers that come in wheels and run as our own children: PostgreSQL and Valkey."""
