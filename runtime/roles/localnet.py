"""The local chain: its data in DATA_DIR/localnet, its wallet made at the first start."""

from localnet.errors import ForeignDirectoryError, LedgerDamagedError, LedgerInUseError
from localnet.main import serve
from runtime.errors import StartupError
from runtime.local_wallet import local_wallet
from runtime.settings import Settings


async def run(settings: Settings) -> None:
    wallet = local_wallet(settings)
    try:
        await serve(
            host=settings.localnet_host,
            port=settings.localnet_port,
            directory=settings.data_dir / "localnet",
            wallet=wallet.address,
            access=settings.access(settings.localnet_host),
            behaviour=settings.localnet_behaviour,
        )
    except (LedgerInUseError, LedgerDamagedError, ForeignDirectoryError) as error:
        raise StartupError(str(error)) from None
    except OSError as error:
        raise StartupError(f"the local chain cannot run: {error}") from None
