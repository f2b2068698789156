"""CANN's compiler as far as a runner calls it: a text and its launcher to a library that gives launches to the fake.

Flags are held to what is documented. The kernel's text is known by its hash; what runs it is a simulator, later.
A text with the word ``REFUSED`` is an error in its third line.
"""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
from pathlib import Path

LAUNCHER = re.compile(
    r'\nextern "C" void launch_(\w+)\(uint32_t blocks, void \*stream, (.*)\) \{\n'
    r"    (\w+)<<<blocks, nullptr, stream>>>\((.*)\);\n\}\n$"
)
STUB = """#include <stdint.h>
void fake_launch(const char *, uint32_t, void *, int, const uint64_t *, int32_t);
void launch_{name}(uint32_t blocks, void *stream, {taken}) {{
    uint64_t arrays[] = {{{arrays}}};
    fake_launch("{key}", blocks, stream, {count}, arrays, {capacity});
}}
"""
LIBRARIES = Path(sys.argv[0]).resolve().parent.parent / "lib64"


def main(arguments: list[str]) -> int:
    """The exit status."""
    if arguments == ["--version"]:
        print("Copyright of nobody\nclang version 15.0.5 (fake)")
        return 0
    source, output = arguments[-3], arguments[-1]
    assert arguments[-2] == "-o", arguments
    if "--cce-fatobj-link" in arguments:
        assert {"-shared", "-fPIC", "-lruntime", "-lascendcl", f"-L{LIBRARIES}"} <= set(arguments), arguments
        (linked,) = (one for one in arguments if one.endswith(".o"))
        Path(output).write_bytes(Path(linked).read_bytes())
        return 0
    if arguments[:2] == ["-x", "asc"]:
        assert {"--npu-arch=dav-2201", "-shared", "-fPIC"} <= set(arguments), arguments
    else:
        assert {"-xcce", "--cce-aicore-arch=dav-c220-vec", "-DMEMORY_BASE", "-c"} <= set(arguments), arguments
        assert any(one.startswith("-I") and one.endswith("/include") for one in arguments), arguments
    written = Path(source).read_text("utf-8")
    if "REFUSED" in written:
        print(
            f"In file included from {source}:1:\nnote: so\n{source}:3:5: error: no such call", file=sys.stderr
        )
        return 1
    return compiled(written, Path(output))


def compiled(written: str, output: Path) -> int:
    """The launcher as C, which hands over the text's hash."""
    found = LAUNCHER.search(written)
    assert found, "no launcher"
    text = written[: found.start()]
    name, taken, called, given = found.groups()
    marked = re.match(r"// made of (\w+)\n", text)
    key = marked[1] if marked else hashlib.sha256(text.encode()).hexdigest()
    parameters = re.search(rf"void {name}\(([^)]*)\)", text)
    assert called == name, called
    assert parameters, "no kernel of that name"
    assert parameters[1].count(",") == given.count(","), (parameters[1], given)
    names = [one.split("*")[-1] for one in taken.split(", ")]
    arrays = [one for one in names if " " not in one]
    stub = STUB.format(
        name=name, key=key, taken=taken, count=len(arrays),
        arrays=", ".join(f"(uint64_t){one}" for one in arrays),
        capacity="capacity" if "capacity" in taken else "-1",
    )  # fmt: skip
    output.with_suffix(".c").write_text(stub, "utf-8")
    command = ["cc", "-O0", "-fPIC", "-shared", str(output.with_suffix(".c")), "-o", str(output),
               f"-L{LIBRARIES}", "-lascendcl", f"-Wl,-rpath,{LIBRARIES}"]  # fmt: skip
    return subprocess.run(command, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
