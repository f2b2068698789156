"""``ptoas`` as far as a runner calls it: a PTO text to C++ with the kernel's signature, and the text's hash."""

from __future__ import annotations

import hashlib
import re
import sys
from pathlib import Path

TYPES = {"bf16": "bfloat16_t", "f16": "half", "f32": "float", "i32": "int32_t"}


def main(arguments: list[str]) -> int:
    """The exit status."""
    if arguments == ["--version"]:
        print("ptoas 0.27")
        return 0
    assert arguments[:2] == ["--pto-arch=a3", "--enable-insert-sync"], arguments
    source, flag, output = arguments[2:]
    assert flag == "-o", arguments
    text = Path(source).read_text("utf-8")
    if "REFUSED" in text:
        print(f"{source}:3:5: error: 'pto.nothing' op is unknown", file=sys.stderr)
        return 1
    found = re.search(r"func\.func @(\w+)\((.*?)\)", text, re.DOTALL)
    assert found, "no function"
    kinds = re.findall(r"!pto\.ptr<(\w+)>|: (index)", found[2])
    parameters = [f"__gm__ {TYPES[kind]} *v{place}" if kind else f"int32_t v{place}"
                  for place, (kind, _) in enumerate(kinds)]  # fmt: skip
    mark = hashlib.sha256(text.encode()).hexdigest()
    Path(output).write_text(
        f'// made of {mark}\n#include "pto/pto-inst.hpp"\n'
        f"__global__ AICORE void {found[1]}({', '.join(parameters)}) {{\n}}\n", "utf-8",
    )  # fmt: skip
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
