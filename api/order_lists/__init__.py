"""Lists of orders that belong together: each kind in files of its own, all at one route."""
