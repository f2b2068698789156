"""Reductions over the tokens in the cache: a block for each program, a team of lanes for each token.

The lanes of a team share a token's row, a run each, and fold its score by shuffles. A block has enough teams
to keep many rows in flight, and a team takes several tokens before it rescales, so that their loads do not
wait for each other. Each team carries a softmax of its own (see :mod:`runners.kernels.emit.online`); at the
end they are merged through the block's memory, whose size depends on the teams and never on the depth. The
grid does not depend on the depth either: a recorded launch can be replayed at each new position.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from runners.kernels.emit.clike import length_name
from runners.kernels.emit.online import CarriedSum, OnePass, one_pass
from runners.kernels.emit.schedule import needed
from runners.kernels.emit.simt_body import EACH_OF_RUN, Body
from runners.kernels.emit.simt_rows import grouped
from runners.kernels.emit.simt_text import WARP
from runners.kernels.expr import Axis, Kernel, Reduce

MOST_THREADS = 512
FLIGHT = 4
LOWEST = "-3.4e38f"  # finite: a team without a token has exp(-infinity - LOWEST) = 0, and no NaN
EACH_IN_FLIGHT = "for (int turn = 0; turn < FLIGHT; turn++)"


def inner_axes(kernel: Kernel) -> tuple[Axis, ...]:
    """The axes along which a token's row is reduced, or summed element by element."""
    found = [node.axis for node in kernel.reductions] + [a for n in kernel.reductions for a in n.axes]
    return tuple(dict.fromkeys(a for a in found if not a.dynamic and a not in kernel.parallel))


def write(body: Body) -> None:
    """Fill ``body`` for programs whose tokens are reduced by a softmax."""
    plan = one_pass(body.kernel)
    _sizes(body)
    body.add("const int lane = thread % LANES, team = thread / LANES;")
    body.positions("block")
    body.add(f"const {body.dialect.wide} {length_name(plan.axis)} = position[0] + 1;", "")
    _declare(body, plan)
    body.print.results[plan.share] = "share"
    head = f"for ({body.dialect.wide} begin = 0; begin < {length_name(plan.axis)}; begin += TEAMS * FLIGHT)"
    with body.lines.block(head):
        _scores(body, plan)
        _rescale(body, plan)
        _sums(body, plan)
    _merge(body, plan)
    _finish(body, plan)


def _sizes(body: Body) -> None:
    axes = inner_axes(body.kernel)
    longest = max(map(body.length, axes))
    lanes = min(WARP, 1 << (-(-longest // body.run) - 1).bit_length())
    threads = MOST_THREADS
    while threads > WARP and threads // lanes * longest * 4 > body.dialect.shared_bytes:
        threads //= 2
    if threads // lanes * longest * 4 > body.dialect.shared_bytes:
        raise NotImplementedError(f"{body.kernel.name}: {longest} sums of a team are too many for a block")
    body.constants["LANES"] = (lanes, "of a team: they share a token")
    for axis in axes:
        slices = -(-body.length(axis) // (lanes * body.run))
        body.constants[f"{length_name(axis)}_SLICES"] = (slices, "runs of a lane along the axis")
    body.constants["TEAMS"] = (threads // lanes, "of a block")
    body.constants["THREADS"] = (threads, "of a block")
    body.constants["FLIGHT"] = (FLIGHT, "tokens that a team takes at once")
    body.grid, body.block = body.sizes.programs(body.kernel), threads
    body.how = "A block for each program, a team of lanes for each token."


def _declare(body: Body, plan: OnePass) -> None:
    """What each team carries."""
    body.add(f"float {body.name(plan.largest)} = {LOWEST};")
    for carried in plan.sums:
        name, free = body.name(carried.node), _free(body, carried)
        body.add(
            f"float {name}[{length_name(free)}_SLICES * RUN] = {{0.0f}};" if free else f"float {name} = 0.0f;"
        )


def _free(body: Body, carried: CarriedSum) -> Axis | None:
    """The axis along which a sum is a row of sums."""
    axes = body.free(carried.node.axes)
    if len(axes) > 1:
        raise NotImplementedError(f"{body.kernel.name}: sums over tokens along {len(axes)} axes")
    return axes[0] if axes else None


def _token(body: Body, plan: OnePass) -> None:
    """The team's token of this turn. Without one it reads the last again, and it will count for nothing."""
    wide, length = body.dialect.wide, length_name(plan.axis)
    body.add(
        f"const {wide} next = begin + turn * TEAMS + team;",
        f"const {wide} {plan.axis.name} = next < {length} ? next : {length} - 1;",
    )


@contextmanager
def _slices(body: Body, axis: Axis) -> Iterator[None]:
    """A lane's runs along an axis."""
    with body.lines.block(f"for (int slice = 0; slice < {length_name(axis)}_SLICES; slice++)"):
        body.add("const int start = (slice * LANES + lane) * RUN;")
        lanes, slices = body.constants["LANES"][0], body.constants[f"{length_name(axis)}_SLICES"][0]
        if body.length(axis) != slices * lanes * body.run:
            body.add(f"if (start >= {length_name(axis)}) break;")
        yield


def _scores(body: Body, plan: OnePass) -> None:
    known = dict(body.print.results)
    body.add("float score[FLIGHT];")
    body.unroll(FLIGHT)
    with body.lines.block(EACH_IN_FLIGHT):
        _token(body, plan)
        for node in [part for part in needed(plan.score, known) if isinstance(part, Reduce)]:
            name = body.name(node)
            body.add(f"float {name} = {body.start(node)};")
            with _slices(body, node.axis), body.runs(node.axis, "start", [node.x]):
                body.add(f"{EACH_OF_RUN} {body.accumulate(node, name)}")
            body.add(f"{name} = {'lane_sum' if node.op == 'sum' else 'lane_max'}({name});")
            body.print.results[node] = name
        score = body.print.text(plan.score)
        body.add(f"score[turn] = next < {length_name(plan.axis)} ? {score} : -{body.infinity};")
    body.print.results = known


def _rescale(body: Body, plan: OnePass) -> None:
    """Make all that is carried relative to the largest score so far."""
    largest, (exp, larger) = body.name(plan.largest), (body.print.functions[f] for f in ("exp", "larger"))
    body.add(f"float grown = {largest};")
    body.add(f"{EACH_IN_FLIGHT} grown = {larger}(grown, score[turn]);")
    body.add(f"const float rescale = {exp}({largest} - grown);", f"{largest} = grown;")
    for carried in plan.sums:
        name, free = body.name(carried.node), _free(body, carried)
        each = f"for (int i = 0; i < {length_name(free)}_SLICES * RUN; i++) " if free else ""
        body.add(f"{each}{name}{'[i]' if free else ''} *= rescale;")


def _sums(body: Body, plan: OnePass) -> None:
    body.unroll(FLIGHT)
    with body.lines.block(EACH_IN_FLIGHT):
        _token(body, plan)
        body.add(
            f"const float share = {body.print.functions['exp']}(score[turn] - {body.name(plan.largest)});"
        )
        for carried in plan.sums:
            name, free = body.name(carried.node), _free(body, carried)
            if free is None:
                body.add(body.accumulate(carried.summed, name))
                continue
            with _slices(body, free), body.runs(free, "start", [carried.summed.x]):
                body.add(f"{EACH_OF_RUN} {body.accumulate(carried.summed, f'{name}[slice * RUN + i]')}")


def _merge(body: Body, plan: OnePass) -> None:
    """Each team leaves what it carries in the block's memory, relative to its own largest score."""
    shared, largest = body.dialect.shared, body.name(plan.largest)
    body.add("", f"{shared} float {largest}_of[TEAMS], share_of[TEAMS];")
    with_lane: list[str] = [f"{largest}_of[team] = {largest};"]
    for carried in plan.sums:
        name, free = body.name(carried.node), _free(body, carried)
        body.add(f"{shared} float {name}_of[TEAMS]{f'[{length_name(free)}]' if free else ''};")
        if free is None:
            with_lane.append(f"{name}_of[team] = {name};")
            continue
        with _slices(body, free):
            body.add(f"{EACH_OF_RUN} {name}_of[team][start + i] = {name}[slice * RUN + i];")
    with body.lines.block("if (lane == 0)"):
        body.add(*with_lane)
    larger, exp = body.print.functions["larger"], body.print.functions["exp"]
    body.add(
        body.dialect.barrier,
        f"for (int each = 0; each < TEAMS; each++) {largest} = {larger}({largest}, {largest}_of[each]);",
        f"if (thread < TEAMS) share_of[thread] = {exp}({largest}_of[thread] - {largest});",
        body.dialect.barrier,
    )
    body.print.results[plan.largest] = largest


def _finish(body: Body, plan: OnePass) -> None:
    """The teams' sums together, and what the kernel writes."""
    for axes, stores in grouped(body, body.kernel.parallel).items():
        if len(axes) > 1:
            raise NotImplementedError(f"{body.kernel.name}: a program that writes over {len(axes)} axes")
        axis = axes[0] if axes else None
        head = (
            f"for (int {axis.name} = thread; {axis.name} < {length_name(axis)}; {axis.name} += THREADS)"
            if axis
            else "if (thread == 0)"
        )
        with body.lines.block(head):
            for carried in plan.sums:
                _whole(body, carried)
            body.add(*map(body.assign, stores))


def _whole(body: Body, carried: CarriedSum) -> None:
    """One sum over all teams; the factors that had left it come back where it is used."""
    free = _free(body, carried)
    name = f"{body.name(carried.node)}_of_all"
    part = f"{body.name(carried.node)}_of[each]{f'[{free.name}]' if free else ''}"
    body.add(f"float {name} = 0.0f;")
    body.add(f"for (int each = 0; each < TEAMS; each++) {name} += {part} * share_of[each];")
    outside = "".join(f" {side} {body.print.text(factor, 3)}" for side, factor in carried.outside)
    body.print.results[carried.node] = f"({name}{outside})" if outside else name
