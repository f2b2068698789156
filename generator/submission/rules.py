"""Every rule that a submission is held against, in the order in which a report lists them.

A rule is added by an entry of :data:`RULES`: the Methodology page and all reports follow from it. What
``asks`` is for a person to decide, as no program can; everything else refuses.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

from generator.submission import (
    changes,
    comparison,
    copies,
    origin,
    people,
    physics,
    protocol,
    runner,
    samples,
    tokens,
)
from generator.submission.submission import MOST_FILES, Submission
from schemas.problems import Problem


@dataclass(frozen=True, slots=True)
class Rule:
    """``id`` is its anchor on the Methodology page, ``says`` what it holds, in the words of that page."""

    id: str
    title: str
    says: str
    find: Callable[[Submission], Iterable[Problem]]
    asks: bool = False

    def problems(self, submission: Submission) -> list[Problem]:
        """All that breaks this rule."""
        return [replace(problem, rule=self.id) for problem in self.find(submission)]


def _valid(submission: Submission) -> Iterator[Problem]:
    """What no rule with a name of its own says."""
    return (problem for problem in submission.problems if problem.rule not in _NAMED)


def _unseen(submission: Submission) -> Iterator[Problem]:
    """Files that no rule on rows has seen, as they hold none that can be read."""
    for path in submission.unread:
        said = "is judged by no rule on rows, and not shown (got no valid record)"
        yield Problem(path, "file", said, "mend what else is said of it, and check again")


RULES = (
    Rule(
        "allowed-changes", "Only additions",
        f"A submission adds result files and device files, and nothing else beside them, {MOST_FILES} at most. A "
        "result on file is never edited, renamed or deleted. Links, submodules and executable files are refused.",
        changes.allowed_changes,
    ),
    Rule(
        "ledger-grows", "The ledger only grows",
        "Entries of `data/retracted.yml` stay as they were, in their order; new ones come last.",
        changes.ledger_grows,
    ),
    Rule(
        "valid", "Valid, alone and beside the record",
        "Each file passes its schema and its limits, lies where its device and provenance say, and names only "
        "devices, models, kernels and rows that are on file. Its id is new, and nothing in it lies in the future.",
        _valid,
    ),
    Rule(
        "integrity", "The seal holds",
        "A runner writes into each result the SHA-256 of all it measured: samples, environment, hashes of "
        "sources. A file that was edited since does not have it. Only `notes` may be edited. Figures cannot be "
        "edited at all, as none is stored: each is computed from the samples.",
        origin.sealed,
    ),
    Rule(
        "seen", "Seen by all rules",
        "A file that is not valid, or whose seal does not hold, is seen by no other rule; mended, it may break some.",
        _unseen,
    ),
    Rule(
        "runner", "Measured by a runner",
        "The row names a runner of this repository, its command starts it, it measures devices like the row's, and "
        "the stack is its own.",
        runner.measured_there,
    ),
    Rule(
        "own-id", "An id of its own",
        "The row's id is what its runner calls it: device, storage type and start; a baseline's is its row's with "
        "the stack.",
        runner.own_id,
    ),
    Rule(
        "baseline-beside", "A baseline beside its row",
        "A baseline ran in turns with its row: on the same machine, by the same command, in the same type and depth.",
        runner.baseline_beside,
    ),
    Rule(
        "not-quick", "No quick run",
        "A `--quick` run, or one that was stopped early, shows that everything works and is not for the record.",
        origin.not_quick,
    ),
    Rule(
        "revision", "Measured by published code",
        "The row's revision is on the main branch, its checkout was unchanged, and the kernel source that it "
        "names has, at that revision, the SHA-256 that the row states.",
        origin.known_revision,
    ),
    Rule(
        "emitted-text", "Known emitted kernels",
        "A contender times its kernels. The SHA-256 of each emitted one is that of a text of this kernel and storage "
        "type in `data/emitted/` at the row's revision.",
        origin.known_texts,
    ),
    Rule(
        "possible-times", "Possible times",
        "A run begins after its code was written, and ends no sooner than its samples take. An hour is allowed "
        "between two machines' clocks.",
        origin.possible_times,
    ),
    Rule(
        "protocol", "Measured by the protocol",
        "Steps a repetition, warm-up, repetitions and measured time are those of the protocol, and there is one "
        "token of the model for each step.",
        protocol.measured_so,
    ),
    Rule(
        "often-enough", "Kernels timed often enough",
        f"Each kernel was timed at least {protocol.LEAST_KERNEL_SAMPLES} times.",
        protocol.often_enough,
    ),
    Rule(
        "all-kernels", "All kernels of the step",
        "A contender times every kernel of its decode step.",
        protocol.all_kernels,
    ),
    Rule(
        "exact-enough", "Checks within their bounds",
        "What is said to have passed its check states its relative L2 error, within the bound of its storage type.",
        protocol.exact_enough,
    ),
    Rule(
        "speed-of-light", "Not faster than the memory",
        "No step reads its bytes faster than the device's bandwidth gives them: MBU is at most 100 %. A single "
        "kernel may be served by a cache, up to twenty times the bandwidth.",
        physics.speed_of_light,
    ),
    Rule(
        "kernels-fit", "Kernels fit into their step",
        f"The kernels of a step together take at most {physics.MOST_SUM_OVER_STEP:g} times its TPOT. Timing them "
        "one by one adds to each, and overlapping launches save some; neither explains more.",
        physics.kernels_fit,
    ),
    Rule(
        "varied", "Samples vary",
        f"No series of times longer than {samples.SURELY_VARIES_NS // 1000} µs is one number again and again.",
        samples.varied,
    ),
    Rule(
        "clock-tick", "As fine as a clock",
        f"Times are not all multiples of more than {samples.COARSEST_TICK_NS:,} ns.",
        samples.fine_enough,
    ),
    Rule(
        "variation", "A sane variation",
        f"Repetitions vary by at most {samples.MOST_VARIATION_PERCENT} %; above 8 % the row's notes say why.",
        samples.sane_variation,
    ),
    Rule(
        "new-samples", "New samples",
        "No repetition and no kernel has the times of another one: of the same row, of another new one, or of a row on "
        "file, of kernels of its device's. Series of so few and so coarse times that chance repeats them are let be.",
        copies.new_samples,
    ),
    Rule(
        "own-names", "Names of their own",
        "No submitter, stack or new device is called so that it can be taken for one on file: letters that look alike, "
        "case, spaces and accents count as the same. No word mixes scripts.",
        people.names_of_their_own,
    ),
    Rule(
        "nothing-private", "Nothing private",
        "No path, user or e-mail address stands in what describes the machine, the stack, a kernel, or in the notes.",
        people.nothing_private,
    ),
    Rule(
        "outlier", "Far from its device's rows",
        f"A row that is more than {comparison.MOST_RATIO:g} times faster or slower than the median of its device's "
        "rows of the same model, storage type and stack.",
        comparison.outliers, asks=True,
    ),
    Rule(
        "device-name", "Another name of the device",
        "A machine that calls itself by no name or alias of the device that its row is filed under.",
        comparison.device_is_itself, asks=True,
    ),
    Rule(
        "kernels-overlap", "Kernels longer than their step",
        f"Kernels that together take {physics.ODD_SUM_OVER_STEP:g} to {physics.MOST_SUM_OVER_STEP:g} times the "
        "TPOT of their step.",
        physics.kernels_overlap, asks=True,
    ),
    Rule(
        "kernels-hide", "Kernels next to nothing",
        f"Kernels that together take less than {physics.LEAST_SUM_OVER_STEP:g} times the TPOT of their step.",
        physics.kernels_hide, asks=True,
    ),
    Rule(
        "near-roofline", "Near the roofline",
        f"A row above {physics.HIGH_MBU_PERCENT} % MBU, which few devices give.",
        physics.near_the_roofline, asks=True,
    ),
    Rule(
        "fast-step", "Single steps too fast",
        f"Steps above {physics.ODD_MBU_PERCENT} % MBU, though their median is not.",
        physics.fastest_step, asks=True,
    ),
    Rule(
        "too-steady", "Hardly any variation",
        f"Steps that vary by less than {samples.LEAST_VARIATION_PERCENT} %.",
        samples.too_steady, asks=True,
    ),
    Rule(
        "scaled-samples", "Samples of another series",
        "Times that one factor and one offset make of other ones: of the same row, of another new one, or of a row on "
        f"file. They correlate by more than {copies.LEAST_CORRELATION}, which those of two runs never do.",
        copies.scaled_samples, asks=True,
    ),
    Rule(
        "new-device", "A new device",
        "Its bandwidth decides over MBU and rank, so a person compares it with its source.",
        changes.added_devices, asks=True,
    ),
    Rule(
        "published-figure", "A published figure",
        "No runner vouches for it, so a person compares it with its source.",
        changes.published_figures, asks=True,
    ),
    Rule(
        "reference", "Another reference",
        "A row that all others of its model are divided by.",
        comparison.references, asks=True,
    ),
    Rule(
        "odd-tokens", "Other tokens",
        "Tokens that are one and the same, or others than the same weights and kernels gave on file.",
        tokens.odd_tokens, asks=True,
    ),
    Rule(
        "another-depth", "Another depth",
        "A contender at another depth than the protocol's, which is a row beside the one at the protocol's.",
        protocol.another_depth, asks=True,
    ),
    Rule(
        "failed-check", "A failed check",
        "A step or a kernel that failed its check: it would be shown, unranked.",
        protocol.failed_checks, asks=True,
    ),
    Rule(
        "several-submitters", "Several submitters",
        "Rows of several people in one submission, which may confirm each other.",
        comparison.several_submitters, asks=True,
    ),
    Rule(
        "others-row", "Beside another's row",
        "A baseline of a row, or kernels of a step, that another submitter measured: it changes what that row shows.",
        comparison.beside_others, asks=True,
    ),
    Rule(
        "later-row", "Takes the place of a row",
        "A row that supersedes one on file, as its submitter's name is the same: only the person of that name may do "
        "so.",
        comparison.later_rows, asks=True,
    ),
    Rule(
        "withdrawal", "A withdrawn row",
        "Whether the reason holds is for the maintainers to decide.",
        changes.withdrawals, asks=True,
    ),
)  # fmt: skip
_NAMED = {rule.id for rule in RULES} - {"valid"}
