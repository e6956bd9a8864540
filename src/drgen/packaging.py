"""A function's folder -> the zip that Lambda runs, the same bytes on every machine.

A package holds the folder's files, the requirements it pins, and `drgen.recovery` where a file imports it.
Requirements come from the distributions that are installed beside drgen, checked against the hashes that their wheels
carry (docs/adr/0007-function-packages.md).
"""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import re
import sys
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from drgen.errors import DrgenError, UsageError

REQUIREMENTS = "requirements.txt"
_PINNED = re.compile(r"(?P<name>[A-Za-z0-9._-]+)==(?P<version>[A-Za-z0-9.!+]+)")
_LEFT_OUT = re.compile(r"(^|/)(__pycache__/|\.)|\.py[co]$")
_OF_THE_INSTALLER = re.compile(r"\.dist-info/(?!METADATA$|.*(LICEN|COPYING|NOTICE))", re.IGNORECASE)
"""What tools leave beside a distribution. Its METADATA stays, because libraries ask for their own version; so do its
licence texts."""
_TIME = (1980, 1, 1, 0, 0, 0)
_UNIX = 3
_REGULAR_FILE_0644 = 0o100644 << 16
UNPACKED_LIMIT = 262_144_000
"""Bytes of a package once unpacked. Source: Lambda Developer Guide, "Lambda quotas" (250 MB)."""


@dataclass(frozen=True)
class Package:
    """A zip and its SHA-256. `key` is where it belongs in a bucket: other content, other key."""

    name: str
    content: bytes
    sha256: str

    @property
    def key(self) -> str:
        return f"{self.name}/{self.sha256}.zip"


def package(folder: Path, *, more: Mapping[str, bytes] | None = None) -> Package:
    """The package of the function in `folder`, which holds `handler.py` or whatever the template names.

    `more` are files that lie elsewhere and belong into it, by name.

    Raises UsageError if the folder is missing or empty or its requirements are not pinned, DrgenError if a requirement
    is not installed in the pinned version, was changed after its installation, or is not pure Python.
    """
    if not folder.is_dir():
        raise UsageError("there is no such function", at=str(folder), fix="give the folder that holds its handler.py")
    files = _own_files(folder)
    if not files:
        raise UsageError("the function has no files", at=str(folder), fix="add a handler.py")
    files |= more or {}
    for name, version in _requirements(folder):
        files |= _distribution(name, version, needed_by=folder)
    if _imports_recovery(files):
        files |= _recovery_files()
    content = archive(files)
    if sum(map(len, files.values())) > UNPACKED_LIMIT:
        raise DrgenError("the package is larger than Lambda takes", at=str(folder), fix="pin fewer requirements")
    return Package(folder.name, content, hashlib.sha256(content).hexdigest())


def archive(files: Mapping[str, bytes]) -> bytes:
    """A zip of `files` by path: sorted, without times or compression, so that equal files give equal bytes.

    Stored, not deflated: compressed bytes depend on the version of zlib.
    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as written:
        for path in sorted(files):
            entry = zipfile.ZipInfo(path, _TIME)
            entry.create_system = _UNIX
            entry.external_attr = _REGULAR_FILE_0644
            written.writestr(entry, files[path])
    return buffer.getvalue()


def _own_files(folder: Path) -> dict[str, bytes]:
    paths = (path for path in folder.rglob("*") if path.is_file())
    named = {path.relative_to(folder).as_posix(): path for path in paths}
    return {name: _text_or_bytes(path) for name, path in named.items() if not _LEFT_OUT.search(name)}


def _text_or_bytes(path: Path) -> bytes:
    """The file, with the line ends that it has in the repository: a checkout may have changed those of text."""
    content = path.read_bytes()
    return content if b"\0" in content else content.replace(b"\r\n", b"\n")


def _requirements(folder: Path) -> Iterator[tuple[str, str]]:
    path = folder / REQUIREMENTS
    lines = path.read_text("utf-8").splitlines() if path.is_file() else []
    for number, line in enumerate(lines, start=1):
        wanted = line.partition("#")[0].strip()
        if not wanted:
            continue
        pinned = _PINNED.fullmatch(wanted)
        if pinned is None:
            raise UsageError(
                f"{wanted!r} is not pinned", at=f"{path}:{number}", fix="write name==version, one on a line"
            )
        yield pinned["name"], pinned["version"]


def _distribution(name: str, version: str, *, needed_by: Path) -> dict[str, bytes]:
    """The files of an installed distribution, each checked against the hash in the RECORD of its wheel."""
    folder = f"{re.sub(r'[-_.]+', '_', name)}-{version}.dist-info"
    for site in dict.fromkeys(sys.path):
        record = Path(site, folder, "RECORD")
        if record.is_file():
            return dict(_recorded(Path(site), record, f"{name}=={version}"))
    raise DrgenError(
        f"{name}=={version} is not installed",
        at=f"{needed_by}/{REQUIREMENTS}",
        fix=f"{sys.executable} -m pip install --no-deps {name}=={version}",
    )


def _recorded(site: Path, record: Path, requirement: str) -> Iterable[tuple[str, bytes]]:
    for path, digest, _ in csv.reader(record.read_text("utf-8").splitlines()):
        if _OF_THE_INSTALLER.search(path) or _LEFT_OUT.search(path) or path.startswith(".."):
            continue
        if re.search(r"\.(so|pyd|dylib|dll)$", path):
            raise DrgenError(
                f"{requirement} holds machine code ({path})", fix="pin a release that is pure Python, or use a layer"
            )
        content = (site / path).read_bytes()
        algorithm, _, expected = digest.partition("=")
        found = base64.urlsafe_b64encode(hashlib.new(algorithm, content).digest()).rstrip(b"=").decode()
        if found != expected:
            raise DrgenError(
                "this file was changed after its installation",
                at=str(site / path),
                fix=f"{sys.executable} -m pip install --force-reinstall --no-deps {requirement}",
            )
        yield path, content


def _imports_recovery(files: Mapping[str, bytes]) -> bool:
    wanted = re.compile(rb"^\s*(from|import) drgen\.recovery\b", re.MULTILINE)
    return any(wanted.search(content) for path, content in files.items() if path.endswith(".py") and "/" not in path)


def _recovery_files() -> dict[str, bytes]:
    package_folder = Path(__file__).parent
    paths = [package_folder / "__init__.py", *(package_folder / "recovery").glob("*.py")]
    return {f"drgen/{path.relative_to(package_folder).as_posix()}": _text_or_bytes(path) for path in paths}
