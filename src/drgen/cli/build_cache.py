"""What was built before, by a key of everything a build depends on."""

from __future__ import annotations

import base64
import hashlib
import os
import sys
import sysconfig
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import drgen
from drgen.preflight.cache import Cache, cache_folder

_PARTS = ("assembly", "builders", "cli", "files", "model", "recovery", "template")


class BuildCache:
    """Files of earlier builds. An entry whose function packages are gone from the workload's folder does not count."""

    def __init__(self) -> None:
        self._entries = Cache(cache_folder(os.environ, Path.cwd()))

    def read(self, folder: Path, lambdas: Path) -> Mapping[str, bytes] | None:
        """The files of a build with the same inputs, or None."""
        entry = self._entries.read(_key(folder, lambdas))
        if entry is None:
            return None
        if not all((folder / item["artifact"]).is_file() for item in entry if "artifact" in item):
            return None
        return {item["file"]: base64.b64decode(item["content"]) for item in entry if "file" in item}

    def write(self, folder: Path, lambdas: Path, files: Mapping[str, bytes], artifacts: Sequence[str]) -> None:
        """Keeps `files`, and the names of the packages that belong to them."""
        kept = [{"file": name, "content": base64.b64encode(data).decode()} for name, data in files.items()]
        self._entries.write(_key(folder, lambdas), [*kept, *({"artifact": name} for name in artifacts)])


def _key(folder: Path, lambdas: Path) -> str:
    """A digest of the workload's own files, of drgen's and the functions' sources, and of what is installed."""
    digest = hashlib.sha256()
    for name in ("workload.yaml", "rds-ca.pem"):
        content = (folder / name).read_bytes() if (folder / name).is_file() else b""
        digest.update(f"{name} {len(content)}\n".encode() + content)
    for line in (*_sources(lambdas), *_installed()):
        digest.update(f"{line}\n".encode())
    return f"build-{digest.hexdigest()}"


def _sources(lambdas: Path) -> Iterator[str]:
    package = Path(drgen.__file__).parent
    files = [*package.glob("*.py"), *(path for part in _PARTS for path in (package / part).rglob("*.py"))]
    for path in sorted([*files, *(path for path in lambdas.rglob("*") if path.is_file())]):
        status = path.stat()
        yield f"{path} {status.st_size} {status.st_mtime_ns}"


def _installed() -> Iterator[str]:
    """Python's version, and the name and version of every distribution."""
    yield sys.version
    yield from sorted(name for name in os.listdir(sysconfig.get_path("purelib")) if name.endswith(".dist-info"))
