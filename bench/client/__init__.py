"""The clients of the measurements: HTTP and WebSocket over bare asyncio transports.

They share the machine with what they measure, so what they cost is part of every figure: a tenth of a millisecond for
a request, where a comfortable client takes half of one. They speak to our own servers alone and know what those do:
answers with a content-length, text messages in one frame.
"""
