"""What reacts to events: the relay, the actors that route, build and submit, the tracker, the sweeper.

Workers decide nothing about orders: they ask the world and hand what they learned to a command.
"""
