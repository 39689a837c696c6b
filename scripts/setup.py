"""Makes this checkout runnable: `python scripts/setup.py [runtime|dev|bench]`. Needs Python 3.11+ and nothing else.

What it does, skipping whatever is already as the lock files say:

1. makes the virtual environment `.venv`;
2. installs the pinned, hash-checked packages of `requirements/<set>.txt`, and Parabola itself in editable form;
3. for `dev`: installs the official JavaScript clients that the tests drive (`tests/clients/package-lock.json`) and the
   clerk-js that their pages load (`tests/browser/package-lock.json`), with the Node.js that came in step 2, so a
   machine needs no Node.js of its own. The browser is Debian's: `apt-get install chromium`.

Ends with the path of the environment's `bin` folder on standard output; all progress goes to standard error.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")
JAVASCRIPT = (ROOT / "tests" / "clients", ROOT / "tests" / "browser")
# An index may be slow or stumble; a whole test run must not fail for it.
PATIENCE = ("--retries", "10", "--timeout", "60")
NPM_PATIENCE = ("--fetch-retries=10", "--fetch-timeout=120000")
SETS = ("runtime", "dev", "bench")


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def fingerprint(*files: Path) -> str:
    """Changes when one of `files` does, or the Python that runs this."""
    digest = hashlib.sha256(sys.version.encode())
    for file in files:
        digest.update(file.read_bytes())
    return digest.hexdigest()


def done(stamp: Path, wanted: str) -> bool:
    return stamp.is_file() and stamp.read_text() == wanted


def run(*command: str | Path, cwd: Path = ROOT) -> None:
    """Runs a step with its output on standard error; ends this program with its exit code if it fails."""
    environment = {**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ.get('PATH', '')}"}
    # The one machine in a thousand that sets these would install into the wrong place.
    for name in ("PYTHONHOME", "PYTHONPATH", "PIP_USER", "PIP_TARGET", "PIP_PREFIX"):
        environment.pop(name, None)
    code = subprocess.run([str(part) for part in command], cwd=cwd, env=environment, stdout=2).returncode
    if code != 0:
        say(f"This step failed with exit code {code}: {' '.join(str(part) for part in command)}")
        sys.exit(code)


def has_pip() -> bool:
    """Whether the environment is whole: one whose making was broken off, or without ensurepip, has a Python alone."""
    try:
        return subprocess.run([BIN / "python", "-c", "import pip"], capture_output=True).returncode == 0
    except OSError:
        return False


def make_environment() -> None:
    if has_pip():
        return
    say("Making the virtual environment .venv …")
    try:
        # Cleared, with the stamps in it: what lies there is half an environment, or one whose Python is gone.
        venv.create(VENV, with_pip=True, clear=True, symlinks=os.name != "nt")
    except (OSError, subprocess.CalledProcessError) as error:
        say(f"The virtual environment could not be made: {error}")
        say("On Debian and Ubuntu the module for it is a package of its own: apt-get install python3-venv")
        sys.exit(1)


def install_packages(name: str) -> None:
    lock = ROOT / "requirements" / f"{name}.txt"
    wanted = fingerprint(lock, ROOT / "pyproject.toml")
    stamp = VENV / f".installed-{name}"
    if done(stamp, wanted):
        return
    say(f"Installing the packages of requirements/{name}.txt …")
    pip = (BIN / "python", "-m", "pip", "--disable-pip-version-check", "--quiet", "install", *PATIENCE)
    run(*pip, "--require-hashes", "--only-binary", ":all:", "--prefer-binary", "-r", lock)
    run(*pip, "--no-deps", "--no-build-isolation", "--editable", ROOT)
    stamp.write_text(wanted)


def install_clients(folder: Path) -> None:
    wanted = fingerprint(folder / "package-lock.json")
    stamp = folder / "node_modules" / ".installed"
    if done(stamp, wanted):
        return
    say(f"Installing the JavaScript packages of {folder.relative_to(ROOT)} …")
    # No package of the lock needs its install script here, and scripts are what a hostile package would use.
    run(BIN / "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error", *NPM_PATIENCE, cwd=folder)
    stamp.write_text(wanted)


def main() -> None:
    name = sys.argv[1] if len(sys.argv) > 1 else "dev"
    if name not in SETS:
        say(f"setup.py was given {name!r}; it knows {', '.join(SETS)}.")
        sys.exit(2)
    if sys.version_info < (3, 11):  # noqa: UP036 - the very check that tells an old Python's user so
        say(f"Parabola needs Python 3.11 or newer; this is {sys.version.split()[0]} at {sys.executable}.")
        sys.exit(1)
    make_environment()
    install_packages(name)
    if name == "dev":
        for folder in JAVASCRIPT:
            install_clients(folder)
    print(BIN)


if __name__ == "__main__":
    main()
