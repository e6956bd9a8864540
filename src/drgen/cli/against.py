"""The deployment that another one is compared with: a folder, or the same folder at a git revision."""

from __future__ import annotations

import io
import subprocess
import tarfile
import tempfile
from pathlib import Path

from drgen.cli.world import load_folder
from drgen.errors import UsageError
from drgen.preflight.world import World

FIX = "give a folder with a deploy.yaml, or a revision such as main or HEAD~1"


def earlier(path: Path, against: str, *, several: bool = False) -> World | None:
    """What `against` says is deployed of `path`, a folder or its manifest; None if the revision does not have it yet.

    `against` is a folder, or where there is none of that name, a git revision. With `several` folders to compare, a
    folder means the one of the same name in it. Raises UsageError if it is neither.
    """
    other = Path(against)
    folder = path if path.is_dir() else path.parent
    if other.is_dir():
        return load_folder(other / folder.resolve().name if several else other).world
    return _at_revision(folder, path.name if path.is_file() else "", against)


def _at_revision(folder: Path, manifest: str, revision: str) -> World | None:
    prefix = _git(folder, "rev-parse", "--show-prefix").decode().strip()
    commit = _commit(folder, revision)
    if not _git(folder, "ls-tree", "--full-tree", commit, prefix or "."):
        return None
    top = Path(_git(folder, "rev-parse", "--show-toplevel").decode().rstrip("\n"))
    archive = _git(top, "archive", "--format=tar", f"{commit}:{prefix.rstrip('/')}" if prefix else commit)
    with tempfile.TemporaryDirectory() as made, tarfile.open(fileobj=io.BytesIO(archive)) as files:
        for member in files.getmembers():
            content = files.extractfile(member)
            if content is not None:
                target = Path(made) / member.name
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(content.read())
        return load_folder(Path(made) / manifest).world


def _commit(folder: Path, revision: str) -> str:
    """The commit that `revision` names. It never reaches git where an option could stand."""
    if revision.startswith("-"):
        raise UsageError(f"{revision!r} is no revision", fix=FIX)
    return _git(folder, "rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}").decode().strip()


def _git(folder: Path, *arguments: str) -> bytes:
    try:
        done = subprocess.run(["git", "-C", str(folder), *arguments], capture_output=True, check=True)
    except FileNotFoundError as error:
        raise UsageError("git is not installed", fix="install git, or give --against a folder") from error
    except subprocess.CalledProcessError as error:
        said = error.stderr.decode(errors="replace").strip().splitlines()
        reason = said[-1].removeprefix("fatal: ") if said else f"{arguments[-1]!r} is no revision"
        raise UsageError(f"there is nothing to compare with: {reason}", at=str(folder), fix=FIX) from error
    return done.stdout
