"""What reacts to events: dispatch, the execution of orders, the tracker and the watcher.

Workers decide nothing about orders: they ask venues and the chain, and hand what they learned to a command.
"""
