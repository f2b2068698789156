"""Files that lie where they should not, or are none."""

from __future__ import annotations

import os

from tests.hostile.base import HERE, NEW, Case, Scratch, also, at, beside, device, link, named, row
from tests.submissions import RUN

FOLDER = "results/gpu-a"
LINK = f"data/{FOLDER}/link.json"


def _executable(scratch: Scratch) -> None:
    scratch.submit(scratch.valid()).chmod(0o755)


def _repository(scratch: Scratch) -> None:
    (scratch.data / FOLDER / "nested").mkdir()
    scratch.git("init", "--quiet", str(scratch.data / FOLDER / "nested"))
    scratch.write(f"data/{FOLDER}/nested/x.json", "{}")
    scratch.git("-C", str(scratch.data / FOLDER / "nested"), "add", "x.json")
    scratch.git("-C", str(scratch.data / FOLDER / "nested"), "commit", "--quiet", "--message", "x")


def _not_utf8(scratch: Scratch) -> None:
    content = scratch.submit(scratch.valid()).read_bytes()
    (scratch.data / FOLDER / os.fsdecode(b"caf\xe9.json")).write_bytes(content)


def _folder_of_a_device(scratch: Scratch) -> None:
    device()(scratch)
    (scratch.data / "devices/mine").mkdir()
    (scratch.data / "devices/gpu-n.md").rename(scratch.data / "devices/mine/gpu-n.md")


CASES = (
    Case("a link to a file of the machine", link(LINK, "/etc/passwd"), "allowed-changes", "file"),
    Case("a link to another row", link(LINK, f"{RUN}.json"), "allowed-changes", "file"),
    Case("a link to nothing", link(LINK, "nowhere"), "allowed-changes", "file"),
    Case("a link to zeros without end", link(LINK, "/dev/zero"), "allowed-changes", "file"),
    Case("a link to itself", link(LINK, "link.json"), "allowed-changes", "file"),
    Case("a folder that is a link", link("data/results/gpu-b", "/etc"), "allowed-changes", "file"),
    Case("a device that is a link", link("data/devices/gpu-n.md", "gpu-a.md"), "allowed-changes", "file"),
    Case("a file to execute", _executable, "allowed-changes", "file", builds=True),
    Case("a repository in the repository", also(_repository), "allowed-changes", "file"),
    Case("another device's folder", at(f"results/gpu-b/{NEW}.json"), "valid", "device"),
    Case("no folder", at(f"results/{NEW}.json"), "valid", "device"),
    Case("a folder too many", at(f"results/gpu-a/more/{NEW}.json"), "valid", "device"),
    Case("a folder in capitals", at(f"results/GPU-A/{NEW}.json"), "valid", "device"),
    Case("the folder of what is published", at(f"reported/page/{NEW}.json"), "valid", "provenance"),
    Case("a folder above", row(("id", "../../../etc/passwd")), "valid", "id"),
    Case("the root of the machine", row(("id", "/etc/passwd")), "valid", "id"),
    Case("a device above", row(("device", "../gpu-a")), "valid", "device"),
    Case("a name in capitals", at(f"{FOLDER}/{NEW.upper()}.json"), "valid", "id"),
    Case("an ending in capitals", at(f"{FOLDER}/{NEW}.JSON"), "valid", "file"),
    Case("a copy of an editor", beside(f"{HERE}~", "{}"), "valid", "file"),
    Case("a hidden file", at(f"{FOLDER}/.{NEW}.json"), "valid", "id"),
    Case("a file of the system", beside(f"data/{FOLDER}/.DS_Store", "x"), "valid", "file"),
    Case("attributes of git in the record", beside(f"data/{FOLDER}/.gitattributes", "* text"), "valid", "file"),
    Case("a device of Windows", named("nul.f16-20260203t120000z"), "valid", "id"),
    Case("a drive of Windows", row(("id", "c:\\windows")), "valid", "id"),
    Case("a dot at the end", at(f"{FOLDER}/{NEW}."), "valid", "file"),
    Case("a space at the end", at(f"{FOLDER}/{NEW}.json "), "valid", "file"),
    Case("a space before the ending", at(f"{FOLDER}/{NEW} .json"), "valid", "id"),
    Case("a line end in a name", at(f"{FOLDER}/{NEW}\n.json"), "allowed-changes", "file"),
    Case("codes of a terminal in a name", at(f"{FOLDER}/\x1b[31m{NEW}.json"), "allowed-changes", "file"),
    Case("letters turned around in a name", at(f"{FOLDER}/{NEW}\u202enosj.json"), "allowed-changes", "file"),
    Case("a script in a name", at(f"{FOLDER}/" + "<img src=x onerror=alert(1)>.json"), "valid", "id"),
    Case("an option for a name", at(f"{FOLDER}/--output.json"), "valid", "id"),
    Case("a name that is not utf 8", _not_utf8, "allowed-changes", "file"),
    Case("a folder that nobody knows", beside("data/evil/x.json", "{}"), "allowed-changes", "file", builds=True),
    Case("the record's folder in capitals", beside("data/Results/gpu-a/x.json", "{}"), "allowed-changes", "file",
         builds=True),
    Case("a folder of a device", _folder_of_a_device, "valid", "file"),
    Case("a list's name", named("index", device="gpu-a"), "valid", "id"),
    Case("a page's name", named("gpu-a-f16-20260203t120000z.html"), "valid", "id"),
)  # fmt: skip
