"""How a row is cited, linked and embedded: BibTeX, and a badge's Markdown and HTML."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

from generator.rows import Run

_TEX = {**{ord(sign): f"\\{sign}" for sign in "&%$#_{}"}, ord("\\"): r"\textbackslash{}",
        ord("~"): r"\textasciitilde{}", ord("^"): r"\textasciicircum{}"}  # fmt: skip
_MARKDOWN = {ord(sign): f"\\{sign}" for sign in "\\[]`*_<>"}


@dataclass(frozen=True, slots=True)
class Citation:
    """``site_url`` ends with a slash, and is empty where a build does not know where it will be published."""

    run: Run
    title: str
    site_url: str

    @property
    def address(self) -> str:
        """Where the card stands."""
        return f"{self.site_url}rows/{self.run.run}/"

    @property
    def day(self) -> str:
        """When it was measured, or when the published figure was taken."""
        return (self.run.measured_at or self.run.source_retrieved or "")[:10]

    @property
    def bibtex(self) -> str:
        """An entry of biblatex and BibTeX alike; a name in double braces is no person's to be split."""
        author = self.run.submitter or self.run.source_title or "Decode Board"
        stated = {
            "author": f"{{{author.translate(_TEX)}}}",
            "title": f"{{{self.title.translate(_TEX)}}}",
            "howpublished": f"Decode Board, \\url{{{self.address}}}",
            "year": self.day[:4],
            "note": f"Row {self.run.run.translate(_TEX)}, {self.run.provenance}, {self.day}",
        }
        lines = "".join(f"  {name} = {{{value}}},\n" for name, value in stated.items())
        return f"@misc{{{self.run.run},\n{lines}}}"

    @property
    def markdown(self) -> str:
        """The badge as a README shows it."""
        return f"[![{self.title.translate(_MARKDOWN)}]({self.address}badge.svg)]({self.address})"

    @property
    def html(self) -> str:
        """The badge as any other page shows it."""
        return f'<a href="{self.address}"><img src="{self.address}badge.svg" alt="{escape(self.title)}"></a>'
