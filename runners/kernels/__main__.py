"""``python -m runners.kernels``: print what the emitters write, or write all of it to ``data/emitted/``.

The folder holds each kernel's source, its text in every language at a published model's sizes, and
``index.json``, which says what they are. It is data that readers open: nothing runs from there.
"""

from __future__ import annotations

import difflib
import hashlib
import inspect
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast, get_args

import click
import yaml

from runners.kernels import source
from runners.kernels.emit import TARGETS, Emitted, Target
from runners.kernels.expr import Kernel
from runners.kernels.sizes import MICROBENCHMARK, Sizes, Storage, step_sizes
from runners.kernels.source import KERNELS

DATA = Path(__file__).resolve().parents[2] / "data"
MODEL = "deepseek-r1-distill-qwen-1.5b"
PROOF = "proof.json"  # written by the tests


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
def main() -> None:
    """The kernels of a decode step in the languages of the devices.

    \b
    python -m runners.kernels list                                   what there is
    python -m runners.kernels emit --target c --kernel rms_norm      one text, to read
    python -m runners.kernels emit --device nvidia-t4 --kernel gelu  the same, in a device's language
    python -m runners.kernels emit --all                             rewrites data/emitted/
    """


_data = click.option(
    "--data-dir",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=DATA,
    help="Folder with models/, and emitted/ to write into. [default: data/]",
)
_model = click.option(
    "--model", default=MODEL, show_default=True, help="Whose sizes: a file of data/models/."
)


@main.command("emit")
@click.option("--target", default="", help="A language, by its id.")
@click.option(
    "--device", default="", help="Instead of a language: the one in which this device takes the kernel."
)
@click.option("--kernel", default="", help="A kernel, by its name.")
@click.option("--storage", default="bf16", show_default=True, help="Type of weights and cache.")
@_model
@click.option("--all", "everything", is_flag=True, help="Rewrite emitted/ instead, and remove what is stale.")
@_data
def emit_command(
    target: str, device: str, kernel: str, storage: str, model: str, everything: bool, data_dir: Path
) -> None:
    """Print one kernel in one language, or write all kernels in all languages."""
    sizes = model_sizes(data_dir, model)
    if everything:
        click.echo(write(data_dir / "emitted", published(sizes, model)))
        return
    name = _known("--kernel", kernel, KERNELS)
    if device and not target:
        target = language_of(data_dir, device, name)
    language = TARGETS[_known("--target", target, TARGETS)]
    _known("--storage", storage, get_args(Storage))
    _known(f"--storage of {language.id}", storage, language.storages)
    click.echo(language.emit(KERNELS[name], sizes[name], cast(Storage, storage)).text, nl=False)


@main.command("list")
@click.option("--target", default="", help="One language: lines and SHA-256 for each of its storage types.")
@_model
@_data
def list_command(target: str, model: str, data_dir: Path) -> None:
    """A table of kernels and languages: how many lines each text has."""
    sizes = model_sizes(data_dir, model)
    if target:
        language = TARGETS[_known("--target", target, TARGETS)]
        for name, kernel in KERNELS.items():
            for storage in language.storages:
                text = language.emit(kernel, sizes[name], storage).text
                click.echo(f"{name:24}{storage:6}{_lines(text):4}  {_sha256(text)}")
        return
    heads = ["source", *TARGETS]
    click.echo(f"{'kernel':24}{'  '.join(heads)}")
    for name, kernel in KERNELS.items():
        texts = [source_text(kernel)]
        texts += [one.emit(kernel, sizes[name], _shown(one)).text for one in TARGETS.values()]
        cells = (f"{_lines(text):{len(head)}}" for head, text in zip(heads, texts, strict=True))
        click.echo(f"{name:24}{'  '.join(cells)}")


def model_sizes(data: Path, model: str) -> dict[str, Sizes]:
    """The sizes of every kernel: the model's for the decode step, and the microbenchmarks' own."""
    known = {path.stem: path for path in (data / "models").glob("*.yml")}
    config = yaml.safe_load(known[_known("--model", model, known)].read_text("utf-8"))
    return {**dict.fromkeys(KERNELS, MICROBENCHMARK), **step_sizes(SimpleNamespace(**config))}


def language_of(data: Path, device: str, kernel: str) -> str:
    """The language in which a device takes a kernel: what its file says of it, or of all others."""
    known = {path.stem: path for path in (data / "devices").glob("*.md")}
    _, facts, _ = known[_known("--device", device, known)].read_text("utf-8").split("---\n", 2)
    found = {
        name: use["target"] for use in yaml.safe_load(facts)["languages"] for name in use["kernels"] or [""]
    }
    if not found.keys() & {kernel, ""}:
        raise click.ClickException(
            f"--device: {device} names no language for {kernel}; choose one by --target"
        )
    return cast(str, found.get(kernel) or found[""])


def source_text(kernel: Kernel) -> str:
    """The function of a kernel, below the functions of the source that it calls."""
    helpers = [
        inspect.getsource(function)
        for name, function in vars(source).items()
        if inspect.isfunction(function)
        and function.__module__ == source.__name__
        and re.search(rf"\b{name}\(", kernel.text)
    ]
    return "\n\n".join([*helpers, kernel.text])


@dataclass(frozen=True, slots=True)
class Published:
    """Texts by their paths below ``emitted/``, and the index of them."""

    texts: dict[str, str]
    index: dict[str, Any]


def published(sizes: Mapping[str, Sizes], model: str) -> Published:
    """Every kernel's source, and its text in every language for each storage type, one of which is shown."""
    texts = {f"source/{name}.py": source_text(kernel) for name, kernel in KERNELS.items()}
    index: dict[str, Any] = {
        "schema": "decode-board/emitted/1",
        "id": "index",
        "model": model,
        "targets": [_target_entry(target) for target in TARGETS.values()],
        "sources": [{"kernel": name, **_file(f"source/{name}.py", texts)} for name in KERNELS],
        "kernels": [],
    }
    for target in TARGETS.values():
        for name, kernel in KERNELS.items():
            every = {storage: target.emit(kernel, sizes[name], storage) for storage in target.storages}
            path = f"{target.id}/{name}{target.suffix}"
            texts[path] = every[_shown(target)].text
            index["kernels"].append(_kernel_entry(every, _shown(target), path, texts))
    return Published(texts, index)


def _target_entry(target: Target) -> dict[str, Any]:
    names = {"id": target.id, "name": target.name, "suffix": target.suffix, "form_of": target.form_of}
    return {**names, "storages": list(target.storages)}


def _kernel_entry(
    every: Mapping[Storage, Emitted], shown: Storage, path: str, texts: Mapping[str, str]
) -> dict[str, Any]:
    one = every[shown]
    return {
        "kernel": one.kernel.name,
        "target": one.target,
        "storage": shown,
        "lengths": one.sizes.lengths,
        **_file(path, texts),
        "hashes": {storage: emitted.sha256 for storage, emitted in every.items()},
    }


def _file(path: str, texts: Mapping[str, str]) -> dict[str, Any]:
    return {"path": path, "sha256": _sha256(texts[path]), "lines": _lines(texts[path])}


def write(folder: Path, content: Published) -> str:
    """Make ``folder`` hold ``content`` and nothing else but the proofs; says what changed."""
    files = {**content.texts, "index.json": json.dumps(content.index, indent=1) + "\n"}
    here = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if not path.is_dir()}
    stale = sorted(here.keys() - files.keys() - {PROOF})
    changed = [
        name
        for name, text in files.items()
        if name not in here or here[name].is_symlink() or here[name].read_bytes() != text.encode()
    ]
    for name in [*stale, *(name for name in changed if name in here)]:
        here[name].unlink()  # and never through a link to what lies elsewhere
    for name in changed:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(files[name].encode())
    said = f"{len(content.texts)} texts, {len(changed)} of {len(files)} files changed"
    return f"{folder}: {said}" + (f", {len(stale)} removed: {', '.join(stale)}" if stale else "")


def _shown(target: Target) -> Storage:
    return "bf16" if "bf16" in target.storages else target.storages[0]


def _known(option: str, word: str, known: Iterable[str]) -> str:
    """``word`` where it is known; else an error that names the nearest known one."""
    names = list(known)
    if word in names:
        return word
    near = difflib.get_close_matches(word[:100], names, n=1)
    hint = f"did you mean '{near[0]}'? " if near else ""
    raise click.ClickException(f"{option}: is unknown (got '{word[:100]}'); {hint}known: {', '.join(names)}")


def _lines(text: str) -> int:
    return len(text.splitlines())


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


if __name__ == "__main__":
    main(prog_name="python -m runners.kernels")
