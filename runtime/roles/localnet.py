"""The local chain: its data in DATA_DIR/localnet, its wallet made at the first start."""

from runtime import wallet_file
from runtime.embedded.ports import is_free
from runtime.errors import StartupError
from runtime.localnet.main import serve
from runtime.settings import Settings


async def run(settings: Settings) -> None:
    wallet_file.make_if_missing(settings.wallet_file)
    if not is_free(settings.localnet_host, settings.localnet_port):
        raise StartupError(f"LOCALNET_PORT {settings.localnet_port} is taken on {settings.localnet_host}")
    await serve(
        host=settings.localnet_host,
        port=settings.localnet_port,
        directory=settings.data_dir / "localnet",
        wallet=wallet_file.public_key(settings.wallet_file),
        slot_ms=settings.slot_ms,
    )
