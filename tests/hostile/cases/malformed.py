"""Files that are not what their ending says."""

from __future__ import annotations

from tests.hostile.base import Case, facts, literal, raw, row, without

CASES = (
    Case("empty", raw(lambda _: b""), "valid", "file"),
    Case("truncated", raw(lambda text: text[: len(text) // 2]), "valid", "file"),
    Case("two values in a file", raw(lambda text: text + text), "valid", "file"),
    Case("a trailing comma", raw(lambda text: text[:-1] + b",}"), "valid", "file"),
    Case("comments", raw(lambda text: b"// measured by us\n" + text), "valid", "file"),
    Case("single quotes", raw(lambda text: text.replace(b'"', b"'")), "valid", "file"),
    Case("latin 1", raw(lambda text: text.replace(b"Grace", b"Gr\xe9ce")), "valid", "file"),
    Case("utf 16", raw(lambda text: text.decode().encode("utf-16")), "valid", "file"),
    Case("two byte order marks", raw(lambda text: b"\xef\xbb\xbf\xef\xbb\xbf" + text), "valid", "file"),
    Case("a null byte", raw(lambda text: text.replace(b"Grace", b"Gr\0ce")), "valid", "file"),
    Case("a key twice", raw(lambda text: text[:-1] + b', "role": "contender"}'), "valid", "role"),
    Case("a list in place of a row", raw(lambda text: b"[" + text + b"]"), "valid", "file"),
    Case("null in place of a row", raw(lambda _: b"null"), "valid", "file"),
    Case("not a number", literal("environment.memory_bytes", "NaN"), "valid", "file"),
    Case("infinity", literal("environment.memory_bytes", "-Infinity"), "valid", "file"),
    Case("a field that nobody knows", row(("__proto__", {"polluted": True})), "valid", "__proto__"),
    Case("a field of a field that nobody knows", row(("decode.mbu_percent", 50)), "valid", "decode.mbu_percent"),
    Case("a field that is missing", without("decode.samples"), "valid", "decode.samples"),
    Case("a schema of tomorrow", row(("schema", "decode-board/result/2")), "valid", "schema"),
    Case("text for a mapping", row(("environment", "a machine")), "valid", "environment"),
    Case("yaml with an alias", facts(lambda text: text.replace("{", "{x: &a [1], y: *a, ", 1)), "valid", "file"),
    Case("yaml with a tag", facts(lambda text: text.replace('"GPU"', '!!python/name:os.system "x"')), "valid", "file"),
    Case("yaml with a key twice", facts(lambda text: text.replace("{", "{type: CPU, ", 1)), "valid", "file"),
    Case("yaml with a merge key", facts(lambda text: text.replace("{", '{"<<": {x: 1}, ', 1)), "valid", "<<"),
    Case("yaml of two documents", facts(lambda text: text.replace("{", "--- 1\n--- {", 1)), "valid", "file"),
    Case("no front matter", facts(lambda text: text.replace("---", "", 1)), "valid", "file"),
    Case("front matter without end", facts(lambda text: text.replace("\n---\n", "\n")), "valid", "file"),
    Case("notes in the front matter", facts(lambda text: text.replace("{", "{notes: x, ", 1)), "valid", "notes"),
)  # fmt: skip
