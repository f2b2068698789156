"""Run by an interpreter that has the vendor's bindings: JSON texts on stdin, on stdout one verdict each, "" if well."""

from __future__ import annotations

import json
import sys


def verdicts(texts: list[str]) -> list[str]:
    """What the dialect's parser and verifier say of each text: nothing, or what is wrong."""
    from mlir.dialects import pto  # type: ignore[import-not-found]
    from mlir.ir import Context, Location, MLIRError, Module  # type: ignore[import-not-found]

    context = Context()
    pto.register_dialect(context, load=True)
    found = []
    with context, Location.unknown():
        for text in texts:
            try:
                found.append("" if Module.parse(text).operation.verify() else "not verified")
            except MLIRError as error:
                found.append(str(error))
    return found


if __name__ == "__main__":
    json.dump(verdicts(json.load(sys.stdin)), sys.stdout)
