"""What reacts to events: dispatch, the stages that route, build and submit, the tracker and the watcher.

Workers decide nothing about orders: they ask venues and the chain, and hand what they learned to a command.
"""
