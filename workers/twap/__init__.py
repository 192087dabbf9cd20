"""Submits the slices of TWAPs when they are due."""
