"""The local chain: its data in DATA_DIR/localnet, its wallet made at the first start."""

from localnet.errors import ForeignDirectoryError, LedgerDamagedError, LedgerInUseError
from localnet.main import serve
from runtime import wallet_file
from runtime.errors import StartupError
from runtime.settings import Settings


async def run(settings: Settings) -> None:
    wallet_file.make_if_missing(settings.wallet_file)
    try:
        await serve(
            host=settings.localnet_host,
            port=settings.localnet_port,
            directory=settings.data_dir / "localnet",
            wallet=wallet_file.public_key(settings.wallet_file),
            slot_ms=settings.slot_ms,
        )
    except (LedgerInUseError, LedgerDamagedError, ForeignDirectoryError) as error:
        raise StartupError(str(error)) from None
    except OSError as error:
        raise StartupError(f"the local chain cannot run: {error}") from None
