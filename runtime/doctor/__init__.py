"""`surefill doctor`: everything the engine needs from outside, asked once, with what to do where something is wrong."""
