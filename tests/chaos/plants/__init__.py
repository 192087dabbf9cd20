"""Engines with one fault of their own, to show that a storm's verdict catches it: `make chaos PLANT=name`.

`python -m tests.chaos.plants NAME` is `surefill up` with one role composed faulty, in whichever process it runs; the
product has no hook for it.
"""
