"""What no file can say of itself: ids that exist, rows that are possible, days that have come.

Read errors come first (:mod:`generator.dataset`); these rules run on whatever could be read, so that one
report holds everything there is to mend.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime

from generator.dataset import Dataset
from generator.device_rules import device_problems, unknown
from generator.kernel_sizes import call_size
from generator.rows import FUSED, DecodeRow, KernelRow, RunRows
from generator.speed_rules import impossible_rate, impossible_step
from generator.texts import entries_of
from schemas.metrics import VERY_NOISY_PERCENT
from schemas.problems import Problem, closest
from schemas.records import Claim, Kernel

_FOLDER = re.compile(r"[a-z0-9]+([._-][a-z0-9]+)*")


def today() -> date:
    """The day in UTC, by which dates in the future are refused."""
    return datetime.now(UTC).date()


def cross_file_problems(data: Dataset, today: date) -> list[Problem]:
    """Everything that is wrong between the files of a data folder on the day ``today``."""
    problems = [
        *device_problems(data),
        *_references(data),
        *_retractions(data, today),
        *_prices(data, today),
        *_counted_twice(data),
    ]
    problems += _emitted(data)
    for name, entry in data.runs.items():
        path = data.paths["run", name]
        problems += _run(data, entry, path, today)
        if entry.decode:
            problems += _decode(data, entry, entry.decode, path)
        for claim_index, claim in enumerate(entry.claims):
            problems += _claim(data, claim, f"decode.figure.claims[{claim_index}]", path)
        for row in entry.kernels:
            problems += _kernel(data, entry, row, path)
    return sorted(problems)


def _references(data: Dataset) -> Iterator[Problem]:
    """One reference a model: what every row is divided by."""
    first: dict[str, str] = {}
    for name, entry in sorted(data.runs.items()):
        if entry.decode and entry.run.role == "reference" and name not in data.retractions:
            other = first.setdefault(entry.decode.model, name)
            if other != name:
                said = f"is taken (got 'reference', which {other} is for this model)"
                yield Problem(
                    data.paths["run", name], "role", said, "make it a contender, or retract the other"
                )


def _retractions(data: Dataset, today: date) -> Iterator[Problem]:
    path = data.paths.get(("ledger", ""), "")
    for index, entry in enumerate(data.retractions.values()):
        where = f"retractions[{index}]"
        yield from unknown(data, path, f"{where}.result", entry.result, data.runs)
        yield from _future(path, f"{where}.date", entry.date, today)


def _emitted(data: Dataset) -> Iterator[Problem]:
    """Emitted texts are of kernels on file, at the sizes of a model on file."""
    index, path = data.emitted.index, data.paths.get(("emitted", "index"), "")
    if index is None:
        return
    yield from unknown(data, path, "model", index.model, data.models)
    for field, entry in entries_of(index):
        yield from unknown(data, path, f"{field}.kernel", entry.kernel, data.kernels)


def _counted_twice(data: Dataset) -> Iterator[Problem]:
    """A step counts each kernel once: two latencies of one kernel at the model's shape would add up."""
    first: dict[tuple[str, str], str] = {}
    for name, entry in sorted(data.runs.items()):
        own_step = name if entry.decode else None
        for row in entry.kernels:
            step, where = row.step_of or own_step, f"kernels.timings[{row.index}]"
            place = f"{data.paths['run', name]}: {where}"
            in_step = step is not None and row.shape is None and row.latency_ns is not None
            for kernel in row.kernel.split(FUSED) if in_step else ():
                other = first.setdefault((str(step), kernel), place)
                if other != place:
                    said = f"times a kernel that the step has already (got {kernel}, also in {other})"
                    remedy = "keep one, or give the other its shape"
                    yield Problem(data.paths["run", name], f"{where}.kernels", said, remedy)


def _prices(data: Dataset, today: date) -> Iterator[Problem]:
    """A price that nobody can have read yet."""
    for name, device in data.devices.items():
        if device.price:
            yield from _future(data.paths["device", name], "price.date", device.price.date, today)


def _future(path: str, field: str, text: str | None, today: date) -> Iterator[Problem]:
    if text and text[:10] > today.isoformat():
        yield Problem(path, field, f"lies in the future (got '{text}')", f"today is {today.isoformat()}")


def _run(data: Dataset, entry: RunRows, path: str, today: date) -> Iterator[Problem]:
    run = entry.run
    if run.device not in data.devices and run.device not in data.broken:
        yield Problem(path, "device", f"is unknown (got '{run.device}')", _device_remedy(data, entry))
    yield from _place(data, entry, path)
    yield from _future(path, "measured_at", run.measured_at, today)
    yield from _future(path, "source.retrieved", run.source_retrieved, today)


def _device_remedy(data: Dataset, entry: RunRows) -> str:
    """A measured row's device is seldom misspelt: a runner wrote both files, and one was left behind."""
    name = entry.run.device
    owners = {alias: one for one, device in data.devices.items() for alias in device.aliases}
    if name in owners:
        return f"write '{owners[name]}'"
    nearest = closest(name, [*data.devices, *owners])
    if entry.run.provenance != "measured":
        return nearest
    return f"add {data.folder}/devices/{name}.md, which the runner drafted; else {nearest}"


def _place(data: Dataset, entry: RunRows, path: str) -> Iterator[Problem]:
    """A row lies where its provenance and its device say; a file from elsewhere has no place yet."""
    folders = path.split("/")[:-1]
    if len(folders) < 2 or folders[0] != data.folder:
        return
    top, kind, *rest = folders
    holds = "measured" if kind == "results" else "reported"
    if entry.run.provenance != holds:
        said = f"does not belong here (got '{entry.run.provenance}')"
        yield Problem(path, "provenance", said, f"{top}/{kind}/ holds {holds} rows only")
    elif holds == "measured" and rest != [entry.run.device]:
        said = f"differs from its folder (got '{entry.run.device}')"
        yield Problem(path, "device", said, f"move it to {top}/{kind}/{entry.run.device}/")
    elif holds == "reported" and not (len(rest) == 1 and _FOLDER.fullmatch(rest[0])):
        said = f"lies in no folder of a source (got '{'/'.join(rest)}')"
        yield Problem(
            path, "file", said, f"move it to {top}/{kind}/<source>/, in lower-case letters and digits"
        )


def _decode(data: Dataset, entry: RunRows, row: DecodeRow, path: str) -> Iterator[Problem]:
    yield from unknown(data, path, "decode.model", row.model, data.models)
    yield from _too_deep(data, row, path)
    yield from impossible_step(data, entry, row, path)
    yield from _unexplained_noise(entry, row, path)
    if row.baseline_of is None:
        return
    yield from unknown(data, path, "decode.baseline_of", row.baseline_of, data.runs)
    if not _may_belong(data, row.baseline_of, entry.run.device, row.model):
        said = f"is another device's or model's row (got '{row.baseline_of}')"
        yield Problem(path, "decode.baseline_of", said, "a baseline runs the same model on the same device")


def _may_belong(data: Dataset, name: str, device: str, model: str | None) -> bool:
    """Whether the run ``name`` decodes ``model`` on ``device``; one that is unknown is another problem."""
    other = data.runs.get(name)
    if other is None:
        return True
    return other.decode is not None and other.run.device == device and other.decode.model == model


def _too_deep(data: Dataset, row: DecodeRow, path: str) -> Iterator[Problem]:
    model = data.models.get(row.model)
    last = (row.depth_tokens or 0) + (row.steps_per_repetition or 0)
    if model and last > model.max_position_embeddings:
        said = f"leads beyond the model's context (got {last:,} tokens with the steps)"
        yield Problem(path, "decode.depth_tokens", said, f"{model.id} has {model.max_position_embeddings:,}")


def _unexplained_noise(entry: RunRows, row: DecodeRow, path: str) -> Iterator[Problem]:
    """Repetitions that lie far apart are let in with a reason only; a quick run is not for the record."""
    if (row.cv_percent or 0) > VERY_NOISY_PERCENT and not (entry.run.notes.strip() or entry.run.quick):
        said = f"are empty, though repetitions lie far apart (got a variation of {row.cv_percent:.1f} %)"
        yield Problem(path, "notes", said, "say why, or measure again", "variation")


def _claim(data: Dataset, claim: Claim, where: str, path: str) -> Iterator[Problem]:
    if claim.against:
        yield from unknown(data, path, f"{where}.against", claim.against, data.runs)
    if claim.metric.startswith("speedup") and not claim.against:
        yield Problem(
            path, f"{where}.against", "is missing (got null)", "name the row that it is a speedup over"
        )


def _kernel(data: Dataset, entry: RunRows, row: KernelRow, path: str) -> Iterator[Problem]:
    where = f"kernels.timings[{row.index}]"
    names = row.kernel.split(FUSED)
    for index, name in enumerate(names):
        yield from unknown(data, path, f"{where}.kernels[{index}]", name, data.kernels)
        if name in data.kernels:
            yield from _shape(data.kernels[name], row, f"{where}.shape", path)
    if row.per == "token" and data.kernels.keys() >= set(names):
        call = call_size(data, row.kernel, row.shape, row.dtype, row.model, row.depth_tokens)
        if not call.calls_per_token:
            said = "is a sum over calls that no step makes (got 'token')"
            yield Problem(path, f"{where}.per", said, "give the latency of one call, or name kernels.model")
    if row.latency_ns is not None:
        yield from impossible_rate(data, entry, row, path)
    if row.index == 0:
        yield from _block(data, entry, row, path)


def _shape(kernel: Kernel, row: KernelRow, where: str, path: str) -> Iterator[Problem]:
    given = kernel.model_shape if row.shape is None else dict(row.shape)
    if set(given) == set(kernel.axes):
        return
    wanted = f"{kernel.id} has {', '.join(kernel.axes) or 'none'}"
    if row.shape is None:
        yield Problem(path, where, "is missing (got null, and no model gives it)", f"give one: {wanted}")
    else:
        yield Problem(path, where, f"has the wrong axes (got {', '.join(given) or 'none'})", wanted)


def _block(data: Dataset, entry: RunRows, row: KernelRow, path: str) -> Iterator[Problem]:
    """What all latencies of a file share: their model, and the step that they make up."""
    if row.model is not None:
        yield from unknown(data, path, "kernels.model", row.model, data.models)
    if row.step_of is None:
        return
    yield from unknown(data, path, "kernels.step_of", row.step_of, data.runs)
    if not _may_belong(data, row.step_of, entry.run.device, row.model):
        said = f"is no decode row of this device and model (got '{row.step_of}')"
        yield Problem(path, "kernels.step_of", said, "name the decode row whose step these kernels make up")
