"""A wallet's key in an encrypted file: PKCS#8 in PEM, as ``openssl genpkey -algorithm ed25519 -aes256`` writes it."""

from __future__ import annotations

from pathlib import Path

from solders.keypair import Keypair

from chains.errors import WalletError


def read_keystore(file: Path, password: str) -> Keypair:
    """Raises WalletError, never with what the file holds."""
    # Imported here: most processes have no keystore, and no use for it in memory.
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        data = file.read_bytes()
    except OSError as error:
        raise WalletError(f"the keystore {file} can't be read: {error.strerror}") from None
    if b"ENCRYPTED" not in data:
        raise WalletError(f"the keystore {file} isn't encrypted: a keypair file goes into WALLET_KEYPAIR")
    if not password:
        raise WalletError(f"the keystore {file} needs its password: set WALLET_PASSWORD")
    try:
        key = load_pem_private_key(data, password.encode())
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise WalletError(f"the keystore {file} can't be opened: another password, or no PEM key") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise WalletError(f"the keystore {file} holds no Ed25519 key, which Solana's wallets are")
    return Keypair.from_seed(key.private_bytes_raw())
