"""Set symgd up on a fresh machine and run it: `python3 run.py demo`, `python3 run.py test`.

Needs nothing but Python 3.11 or later. An active virtual environment is used as it is; otherwise one is made in `.venv` beside this
file. What follows the command goes to it: `python3 run.py test tests/test_cli.py`, `python3 run.py symgd derive "x^2" x`.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
COMMANDS = {
    "demo": [os.path.join("examples", "gradient_descent.py")],
    "test": ["-m", "pytest", "-n", "auto"],
    "symgd": ["-m", "symgd"],
}


def python() -> str:
    """The interpreter of the active virtual environment, or of the one in .venv, made where it is missing."""
    if sys.prefix != sys.base_prefix:
        return sys.executable
    folder = os.path.join(HERE, ".venv")
    found = os.path.join(folder, "Scripts" if os.name == "nt" else "bin", "python")
    if not os.path.exists(found):
        print(f"making a virtual environment in {folder}", file=sys.stderr)
        run([sys.executable, "-m", "venv", "--clear", folder], "On Debian and Ubuntu: apt install python3-venv")
        with open(os.path.join(folder, ".gitignore"), "w", encoding="utf-8") as file:
            file.write("*\n")
    return found


def install(interpreter: str) -> None:
    """Install symgd with what it needs, unless that is done and pyproject.toml has not changed since."""
    with open(os.path.join(HERE, "pyproject.toml"), "rb") as file:
        wanted = hashlib.sha256(HERE.encode() + file.read()).hexdigest()
    mark = os.path.join(os.path.dirname(os.path.dirname(interpreter)), "symgd-installed")  # beside the environment's bin
    if os.path.exists(mark):
        with open(mark, encoding="utf-8") as file:
            if file.read() == wanted:
                return
    print("installing symgd and what it needs; PyTorch is large, this can take minutes", file=sys.stderr)
    run([interpreter, "-m", "pip", "install", "--quiet", "--editable", f"{HERE}[test]"], "The message above is pip's.")
    with open(mark, "w", encoding="utf-8") as file:
        file.write(wanted)


def run(command: list[str], advice: str) -> None:
    code = subprocess.call(command)
    if code:
        sys.exit(f"error: {' '.join(command)} failed with exit code {code}. {advice}")


def main() -> int:
    if sys.version_info < (3, 11):  # noqa: UP036  pip, which would refuse too, has not been asked yet
        sys.exit(f"error: symgd needs Python 3.11 or later, and this is {sys.version.split()[0]}.")
    if len(sys.argv) < 2 or sys.argv[1] not in COMMANDS:
        sys.exit(f"usage: python3 run.py {'|'.join(COMMANDS)} [arguments]")
    interpreter = python()
    install(interpreter)
    return subprocess.call([interpreter, *COMMANDS[sys.argv[1]], *sys.argv[2:]], cwd=HERE)


if __name__ == "__main__":
    sys.exit(main())
