"""The emitted texts of ``data/emitted/``: read with their index, and what is known of each.

A text reaches the site only if its bytes have the hash that the index states, so that the hash a result
records always leads to what ran. A proof counts only for the text that it was made of.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from schemas.load import Kind, read
from schemas.parse import Unreadable, decode_utf8
from schemas.problems import Problem, closest
from schemas.records import Check, EmittedIndex, EmittedText, Language, Proofs, SourceText

FOLDER = "emitted"
SOURCE = "source"
_TEXT = Kind("text", str, "", 64_000)
_WRITTEN_AGAIN = "run `python -m runners.kernels emit --all`"
UNSEEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")


@dataclass(frozen=True, slots=True)
class Text:
    """One kernel in one language: the file's entry, what it holds, and the checks it passed."""

    entry: EmittedText
    language: Language
    text: str
    checks: tuple[Check, ...]


@dataclass(frozen=True, slots=True)
class Source:
    """The source of one kernel: the file's entry and what it holds."""

    entry: SourceText
    text: str


@dataclass(frozen=True, slots=True)
class Emitted:
    """All emitted texts of a data folder; the empty one where there is no index."""

    index: EmittedIndex | None = None
    proofs: Proofs | None = None
    texts: Mapping[str, str] | None = None

    def source(self, kernel: str) -> Source | None:
        """The source of a kernel, where it is on file."""
        entries = self.index.sources if self.index else ()
        return next((Source(one, self._text(one.path)) for one in entries if one.kernel == kernel), None)

    def of(self, kernel: str) -> list[Text]:
        """A kernel in every language, in the order of the index."""
        if self.index is None:
            return []
        languages = {language.id: language for language in self.index.targets}
        return [
            Text(one, languages[one.target], self._text(one.path), self._checks(one))
            for one in self.index.kernels
            if one.kernel == kernel
        ]

    def kernels(self) -> list[str]:
        """The kernels that have a source on file, in its order."""
        return [one.kernel for one in self.index.sources] if self.index else []

    def language_name(self, target: str) -> str:
        """What people call a language; its id where no text is on file."""
        languages = self.index.targets if self.index else ()
        return next((one.name for one in languages if one.id == target), target)

    def targets(self) -> dict[tuple[str, str], str]:
        """(kernel, SHA-256 of a text for any storage type) to the language that it is in."""
        entries = self.index.kernels if self.index else ()
        return {(one.kernel, sha256): one.target for one in entries for sha256 in one.hashes.values()}

    def _text(self, path: str) -> str:
        return (self.texts or {})[path]

    def _checks(self, entry: EmittedText) -> tuple[Check, ...]:
        proofs = self.proofs.proofs if self.proofs else ()
        wanted = (entry.kernel, entry.target, entry.sha256)
        return next((one.checks for one in proofs if (one.kernel, one.target, one.sha256) == wanted), ())


def read_texts(data_folder: Path, index: EmittedIndex, shown: str) -> tuple[dict[str, str], list[Problem]]:
    """The text of every entry of ``index``, by its path, and every problem of one; ``shown`` is its file."""
    texts, problems = dict[str, str](), list[Problem]()
    for field, entry in entries_of(index):
        try:
            texts[entry.path] = _read(data_folder / FOLDER / entry.path, entry)
        except Unreadable as error:
            problems.append(Problem(shown, f"{field}.path", f"{entry.path} {error.problem}", error.remedy))
    return texts, problems


def entries_of(index: EmittedIndex) -> Iterator[tuple[str, SourceText | EmittedText]]:
    """Every entry that names a file, with its place in the index."""
    yield from ((f"sources[{place}]", entry) for place, entry in enumerate(index.sources))
    yield from ((f"kernels[{place}]", entry) for place, entry in enumerate(index.kernels))


def _read(path: Path, entry: SourceText | EmittedText) -> str:
    raw = read(path, _TEXT)
    found = hashlib.sha256(raw).hexdigest()
    if found != entry.sha256:
        said = f"is another text (got SHA-256 {found[:12]}, expected {entry.sha256[:12]})"
        raise Unreadable("file", said, _WRITTEN_AGAIN)
    text = decode_utf8(raw)
    if hidden := UNSEEN.search(text):
        raise Unreadable("file", f"holds what nobody sees (got U+{ord(hidden[0]):04X})", "write plain text")
    if len(text.splitlines()) != entry.lines:
        said = f"has another length (got {len(text.splitlines())} lines, expected {entry.lines})"
        raise Unreadable("file", said, _WRITTEN_AGAIN)
    return text


def index_problems(index: EmittedIndex, path: str) -> Iterator[Problem]:
    """What a schema cannot say of the index: names that are known, entries that stand once, hashes that agree."""
    known = [language.id for language in index.targets]
    for kind, names in (
        ("targets", known),
        ("sources", [one.kernel for one in index.sources]),
        ("kernels", [f"{one.kernel} in {one.target}" for one in index.kernels]),
    ):
        for place, name in enumerate(names):
            if name in names[:place]:
                yield Problem(path, f"{kind}[{place}]", f"stands twice (got '{name}')", "keep one")
    for place, language in enumerate(index.targets):
        if language.form_of is not None and language.form_of not in known[:place]:
            said = f"is no language that stands before it (got '{language.form_of}')"
            yield Problem(path, f"targets[{place}].form_of", said, closest(language.form_of, known[:place]))
    for place, one in enumerate(index.kernels):
        where = f"kernels[{place}]"
        if one.target not in known:
            yield Problem(
                path, f"{where}.target", f"is unknown (got '{one.target}')", closest(one.target, known)
            )
        if one.hashes.get(one.storage) != one.sha256:
            got = one.hashes.get(one.storage, "none")[:12]
            said = f"differ from sha256 at the storage type that is shown (got {got} for {one.storage})"
            yield Problem(path, f"{where}.hashes", said, _WRITTEN_AGAIN)
