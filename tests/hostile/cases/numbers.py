"""Numbers at the ends of what a machine can hold, and what only looks like one."""

from __future__ import annotations

from tests.hostile.base import Case, device, literal, published

COUNT, STEP = "environment.cpu_count", "decode.samples.repetitions.0.step_ns.0"
SHOWN = "decode.samples.repetitions[0].step_ns[0]"
MEMORY, ERROR, FIGURE = "environment.memory_bytes", "decode.logits_rel_l2", "decode.figure.tok_per_s"

CASES = (
    Case("one more than a double counts", literal(COUNT, str(2**53 + 1)), "valid", COUNT),
    Case("one more than a word counts", literal(COUNT, str(2**63)), "valid", COUNT),
    Case("a seed of more than a word", literal("decode.weights.seed", str(2**63)), "valid", "decode.weights.seed"),
    Case("the largest double", literal(MEMORY, "1e308"), "valid", MEMORY),
    Case("more than a double", literal(MEMORY, "1e400"), "valid", "file"),
    Case("the smallest double", literal(MEMORY, "5e-324"), "valid", MEMORY),
    Case("less than a double", literal(MEMORY, "1e-400"), "valid", MEMORY),
    Case("a zero below zero", literal(MEMORY, "-0.0"), "valid", MEMORY),
    Case("true for a number", literal(COUNT, "true"), "valid", COUNT),
    Case("true for a time", literal(STEP, "true"), "valid", SHOWN),
    Case("text for a number", literal(COUNT, '"16"'), "valid", COUNT),
    Case("text for a time", literal(STEP, '"100000001"'), "valid", SHOWN),
    Case("null for a time", literal(STEP, "null"), "valid", SHOWN),
    Case("a half for a whole", literal(COUNT, "1.5"), "valid", COUNT),
    Case("hexadecimal", literal(COUNT, "0x10"), "valid", "file"),
    Case("a zero in front", literal(COUNT, "016"), "valid", "file"),
    Case("a plus in front", literal(COUNT, "+16"), "valid", "file"),
    Case("fractions of tokens", literal("decode.token_ids.0", "0.1"), "valid", "decode.token_ids[0]"),
    Case("tokens below zero", literal("decode.token_ids.0", "-1"), "valid", "decode.token_ids[0]"),
    Case("an error below zero", literal(ERROR, "-1e-9"), "valid", ERROR),
    Case("an error without end", literal(ERROR, "1e300"), "valid", ERROR),
    Case("one for yes", literal("quick", "0"), "valid", "quick"),
    Case("a figure of nothing", published((FIGURE, 0)), "valid", FIGURE),
    Case("a figure below zero", published((FIGURE, -5.5)), "valid", FIGURE),
    Case("a figure that no double tells from zero", published((FIGURE, 5e-324)), "valid", FIGURE),
    Case("a figure in words", published((FIGURE, "12,5")), "valid", FIGURE),
    Case("a memory of all atoms", device(("memory_gb", 1e80)), "valid", "memory_gb"),
    Case("a bandwidth of nothing", device(("peak_bandwidth.gb_per_s", 0)), "valid", "peak_bandwidth.gb_per_s"),
    Case("a bandwidth without end", device(("peak_bandwidth.gb_per_s", 1e15)), "valid", "peak_bandwidth.gb_per_s"),
    Case("devices by the billion", literal("environment.device_count", "1000000000"), "valid",
         "environment.device_count"),
)  # fmt: skip
