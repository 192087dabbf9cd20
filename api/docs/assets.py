"""``make docs-assets``: fetch the pinned release of Swagger UI from npm and keep what /docs needs of it.

For another release change ``VERSION`` and ``INTEGRITY``, which ``npm view swagger-ui-dist dist.integrity`` shows.
"""

from __future__ import annotations

import base64
import hashlib
import io
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

PACKAGE = "swagger-ui-dist"
VERSION = "5.35.0"
INTEGRITY = "sha512-U06rpMtW9V3XPGOBeamTUSr0Z09jMX4IJuANpE/EZbAhw0G8CgwrzU4YmXkn/h0wCDNsXdGarTNNHC3sU8yVUQ=="
FILES = ("LICENSE", "NOTICE", "swagger-ui-bundle.js", "swagger-ui-bundle.js.LICENSE.txt", "swagger-ui.css")

KEPT = Path(__file__).parents[1] / "static" / "swagger-ui"
CHECKSUMS = KEPT / "SHA256SUMS"
"""In the form that ``sha256sum --check`` reads."""


def download() -> bytes:
    """The release as npm packs it. Raises ``CalledProcessError`` where npm can't fetch it."""
    with tempfile.TemporaryDirectory() as directory:
        command = ["npm", "pack", "--silent", f"{PACKAGE}@{VERSION}", "--pack-destination", directory]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        [archive] = Path(directory).glob("*.tgz")
        return archive.read_bytes()


def integrity(archive: bytes) -> str:
    """The digest of ``archive`` as npm writes it."""
    return f"sha512-{base64.b64encode(hashlib.sha512(archive).digest()).decode()}"


def unpack(archive: bytes, target: Path) -> None:
    """Write ``FILES`` into ``target``. Raises ``KeyError`` where the release has one no more."""
    with tarfile.open(fileobj=io.BytesIO(archive)) as release:
        for name in FILES:
            # Only files we named are read, so no path of the archive is ever followed.
            content = release.extractfile(release.getmember(f"package/{name}"))
            if content is None:
                raise KeyError(name)
            (target / name).write_bytes(content.read())


def checksums(directory: Path) -> str:
    """What ``SHA256SUMS`` must say of the files in ``directory``."""
    return "".join(f"{hashlib.sha256((directory / name).read_bytes()).hexdigest()}  {name}\n" for name in FILES)


def main() -> int:
    if shutil.which("npm") is None:
        print("docs-assets: npm is needed and not installed", file=sys.stderr)
        return 1
    archive = download()
    if (found := integrity(archive)) != INTEGRITY:
        print(f"docs-assets: {PACKAGE} {VERSION} is {found}, not the release that was chosen", file=sys.stderr)
        return 1
    unpack(archive, KEPT)
    CHECKSUMS.write_text(checksums(KEPT))
    print(f"docs-assets: {PACKAGE} {VERSION} in {KEPT}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
