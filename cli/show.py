"""What the command line prints of an order."""

from datetime import UTC, datetime
from typing import Any

from rich.text import Text

STYLES = {"confirmed": "bold green", "failed": "bold red", "cancelled": "yellow", "expired": "yellow"}
SHOWN = ("dex", "executedPrice", "txHash")


def status_line(message: dict[str, Any]) -> Text:
    """One line for one message of a stream: time (UTC), status, then what is known by now."""
    at = datetime.fromtimestamp(message["timestamp"] // 1000, UTC)  # whole seconds: milliseconds are appended, exact
    status = message["status"]
    line = Text.assemble(
        (f"{at:%H:%M:%S}.{message['timestamp'] % 1000:03d}", "dim"), "  ", (f"{status:<10}", STYLES.get(status, "cyan"))
    )
    if message.get("paper"):
        line.append("  on paper", "yellow")
    for name in SHOWN:
        if name in message:
            line.append(f"  {name} ", "dim").append(str(message[name]))
    if failure := message.get("failure"):
        line.append(f"  {failure.get('code', '')}: {failure.get('detail', '')}", "red")
    return line


def accepted_line(answer: dict[str, Any]) -> Text:
    """The 202 of a submitted order."""
    return Text.assemble(
        "order ", (answer["orderId"], "bold"), f"  {answer['side']} {answer['pair']}  {answer['status']}"
    )
