"""Venues on somebody else's server: how they are asked, how often, and when they are left alone."""
