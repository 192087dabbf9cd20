"""HTTP without TLS: a client that trusts no authority is made in a sixtieth of the time."""

from __future__ import annotations

import ssl

# To read every authority's certificate takes 20 ms, for each client anew.
NO_AUTHORITIES = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
