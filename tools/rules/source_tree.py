# SPDX-License-Identifier: PostgreSQL
"""The files that the rules judge, and how a rule reports its violations.

Knows the project's own files only: what git tracks or would track, or without git everything
outside build folders.
"""

import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

kSkippedFolders = {".git", "build", "results", "output_iso", "tmp_check", "log", "__pycache__"}
kCppSuffixes = {".c", ".cc", ".cpp", ".h", ".hpp"}
kNamedSources = {"CMakeLists.txt", "Makefile"}
kSourceSuffixes = kCppSuffixes | {".py", ".sh", ".sql", ".spec", ".js", ".css", ".html", ".sed"}


class Violation(NamedTuple):
    path: Path
    line: int
    text: str


def all_files() -> list[Path]:
    listing = subprocess.run(
        ["git", "-c", "safe.directory=*", "ls-files", "-coz", "--exclude-standard"],
        capture_output=True,
        text=True,
        check=False,
    )
    if listing.returncode == 0:
        paths: Iterable[Path] = (Path(name) for name in listing.stdout.split("\0") if name)
    else:
        paths = (path.relative_to(".") for path in Path(".").rglob("*"))
    return sorted(p for p in paths if p.is_file() and not kSkippedFolders.intersection(p.parts))


def cpp_files() -> list[Path]:
    return [path for path in all_files() if path.suffix in kCppSuffixes]


def python_files() -> list[Path]:
    return [p for p in all_files() if p.suffix == ".py" or "python" in shebang(p)]


def shell_programs() -> list[Path]:
    return [path for path in all_files() if re.search(r"\b(bash|sh)\b", shebang(path))]


def source_files() -> list[Path]:
    return [path for path in all_files() if is_source(path)]


def is_source(path: Path) -> bool:
    named = path.suffix in kSourceSuffixes or path.name in kNamedSources
    return named or shebang(path) != ""


def shebang(path: Path) -> str:
    with path.open("rb") as file:
        first = file.readline(200)
    return first.decode(errors="replace").strip() if first.startswith(b"#!") else ""


def read_lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8", errors="replace").splitlines()


def code_lines(path: Path) -> Iterator[tuple[int, str]]:
    """The lines of a C++ file with comments and the insides of literals blanked."""
    text = path.read_text(encoding="utf-8", errors="replace")
    pattern = r'R"([^(\s]*)\(.*?\)\1"|//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])+\''

    def blank(match: re.Match[str]) -> str:
        before = text[text.rfind("\n", 0, match.start()) + 1 : match.start()]
        if before.strip().startswith("#include"):
            return match.group(0)
        return re.sub(r"[^\n]", " ", match.group(0))

    yield from enumerate(re.sub(pattern, blank, text, flags=re.DOTALL).splitlines(), start=1)


def judge(violations: Iterable[Violation]) -> None:
    """Prints the violations and ends the program; the status says whether there were any."""
    found = list(violations)
    for violation in found:
        print(f"{violation.path}:{violation.line}: {violation.text}")
    sys.exit(1 if found else 0)
