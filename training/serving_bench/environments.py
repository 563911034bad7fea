"""A virtual environment of its own for infinity-emb, whose requirements do not go with ours."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from pathlib import Path

from rich.console import Console

from training.serving_bench.errors import PeerMissing, last_words

PACKAGES = ("infinity-emb[server,torch]==0.0.78",)
_CONSTRAINTS = Path(__file__).resolve().parents[2] / "constraints.txt"
_NAME, _INSTALLED = "infinity", ".installed"


def infinity_python(folder: Path) -> Path:
    """Return the interpreter of an environment below `folder` with infinity-emb; made once, with plain pip.

    torch is of the version that Paidan is measured with; $TORCH_INDEX_URL, where set, is where its small CPU
    build is.

    Raises:
        PeerMissing: it cannot be installed.
    """
    home = folder / _NAME
    python, done = home / "bin" / "python", home / _INSTALLED
    wanted = "\n".join(PACKAGES)
    if done.is_file() and done.read_text("utf-8") == wanted:
        return python
    command: list[str | Path] = [python, "-m", "pip", "install", "--disable-pip-version-check", "--quiet"]
    command += ["--constraint", _CONSTRAINTS]
    if index := os.environ.get("TORCH_INDEX_URL"):
        command += ["--extra-index-url", index]
    with Console(stderr=True).status(f"installing {wanted} in an environment of its own (minutes)"):
        venv.create(home, clear=True, with_pip=True)
        ended = subprocess.run([*command, *PACKAGES], check=False, capture_output=True, text=True)
    if ended.returncode:
        errors = [line for line in ended.stderr.splitlines() if line.startswith("ERROR")]
        raise PeerMissing(f"pip cannot install it: {last_words(errors)}", where=wanted)
    done.write_text(wanted, "utf-8")
    return python


def peer_versions(folder: Path) -> dict[str, str]:
    """Return the versions of the peers, and of the libraries that are not ours, that are installed."""
    found = {"litserve": _version(Path(sys.executable), "litserve")}
    if (folder / _NAME / _INSTALLED).is_file():
        python = folder / _NAME / "bin" / "python"
        found["infinity-emb"] = _version(python, "infinity-emb")
        found |= {f"infinity-emb's {name}": _version(python, name) for name in ("torch", "transformers")}
    return {name: number for name, number in found.items() if number}


def _version(python: Path, package: str) -> str:
    """Return the version of a package that an interpreter has; empty if it has none."""
    code = "import sys; from importlib.metadata import version; print(version(sys.argv[1]))"
    ended = subprocess.run([python, "-c", code, package], check=False, capture_output=True, text=True)
    return ended.stdout.strip()
