# SPDX-License-Identifier: PostgreSQL
"""Prints `passed failed` of a JUnit report. Errors and skipped tests count as failed."""

import sys
import xml.etree.ElementTree as ElementTree


def main(path: str) -> None:
    suites = list(ElementTree.parse(path).getroot().iter("testsuite"))
    total = sum(int(suite.get("tests", 0)) for suite in suites)
    failed = sum(
        int(suite.get(kind, 0)) for suite in suites for kind in ("failures", "errors", "skipped")
    )
    print(max(total - failed, 0), failed)


if __name__ == "__main__":
    main(sys.argv[1])
