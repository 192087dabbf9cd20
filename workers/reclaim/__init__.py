"""Takes the rents back that lie in the guards of orders long ended."""
