"""``make program``: compile the swap program again and compare it with the one that is kept beside this file.

``python -m localnet.program.build`` compares; with ``--write`` it replaces the kept program and its hash.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from localnet.program import PROGRAM_FILE, SHA256_FILE
from localnet.program.link import link

COMPILER = "clang-19"
SOURCE = Path(__file__).with_name("constant_product.c")
# cpu v2 is what sBPF v0 executes; without -mcpu clang emits jumps the VM refuses. The stack size is one VM frame.
FLAGS = (
    *("-target", "bpf", "-mcpu=v2", "-O2", "-mllvm", "-bpf-stack-size=4096"),
    *("-ffreestanding", "-fno-builtin", "-nostdlib", "-Wall", "-Werror"),
)


def compile_program() -> bytes:
    """The program built from source. Raises ``CalledProcessError`` where the compiler refuses it."""
    with tempfile.TemporaryDirectory() as directory:
        target = Path(directory, "constant_product.o")
        subprocess.run([COMPILER, *FLAGS, "-c", SOURCE.name, "-o", target], check=True, cwd=SOURCE.parent)
        return link(target.read_bytes())


def main() -> int:
    if shutil.which(COMPILER) is None:
        print(f"program: not run ({COMPILER} is not installed)")
        return 0
    program = compile_program()
    built = hashlib.sha256(program).hexdigest()
    if "--write" in sys.argv:
        PROGRAM_FILE.write_bytes(program)
        SHA256_FILE.write_text(f"{built}  {PROGRAM_FILE.name}\n")
    kept = hashlib.sha256(PROGRAM_FILE.read_bytes()).hexdigest()
    recorded = SHA256_FILE.read_text().split()[0]
    if not built == kept == recorded:
        print(f"program: differs, built {built}, kept {kept}, recorded {recorded}", file=sys.stderr)
        return 1
    print(f"program: reproduced, sha256 {built}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
