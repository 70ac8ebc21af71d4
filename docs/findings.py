"""The page docs/findings.md: what ``validate`` can find, read off the codes."""

from __future__ import annotations

from inspect import cleandoc

from migrate_spec.findings import FINDINGS, Finding

HEAD = """\
<!-- `make docs` writes this page: change engine/migrate_spec/findings.py that it is read off. -->

# What `validate` finds

Each finding has a code, which stays the same from release to release, and a severity: an error fails, a warning only
with `--strict`, a remark never. What is wrong in the files themselves, a mistyped key or a text that is no YAML, is not
told here: such errors say what was expected.

A spec can say that a finding is right, with the reason:

```yaml
steps:
  - remove: [draft]
    allow: {loss: a draft is worth nothing}
```

At a step that holds for the step and those inside of it, at the top of the spec (`allow: {loss: why}` beside `steps`)
for all. Where there is nothing to allow any more, that is told, too.

In the examples `before` and `after` are the schemas of the two versions."""

_SEVERITIES = {"error": "An error.", "warning": "A warning.", "info": "A remark."}
_ALLOWED = {
    "step": "",
    "spec": "It can be allowed at the top of a spec only.",
    "nowhere": "It cannot be allowed.",
}


def findings() -> str:
    """The whole page."""
    table = ["| Code | | What it says |", "|---|---|---|"]
    table += [f"| [`{code}`](#{code}) | {one.severity} | {one.words} |" for code, one in FINDINGS.items()]
    chapters = [_chapter(code, one) for code, one in FINDINGS.items()]
    return "\n\n".join([HEAD, "\n".join(table), *chapters]) + "\n"


def _chapter(code: str, finding: Finding) -> str:
    example = f"```yaml\n{cleandoc(finding.example)}\n```" if finding.example else ""
    part = f"Who allows `{finding.part_of}` allows this, too." if finding.part_of else ""
    last = " ".join(filter(None, [finding.remedy, _ALLOWED[finding.allow], part]))
    parts = [f"## {code}", f"{_SEVERITIES[finding.severity]} {finding.words}", example, last]
    return "\n\n".join(filter(None, parts))
