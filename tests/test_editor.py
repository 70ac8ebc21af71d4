"""Specs in an editor: what the server behind VS Code's YAML extension makes of the schema of the language.

The server speaks the Language Server Protocol over its standard input and output. It is installed from the lock file
in tests/editor/ by `make setup` where node is present; where it is not, these tests are skipped.
"""

from __future__ import annotations

import itertools
import json
import shutil
import subprocess
from collections.abc import Iterator
from inspect import cleandoc
from pathlib import Path
from queue import Queue
from threading import Thread
from typing import Any

import pytest

from migrate_spec.cli.commands.init import SPEC
from migrate_spec.grammar import operation_schema
from migrate_spec.operations import all_operations
from migrate_spec.prose import prose
from migrate_spec.record_operations import all_record_operations
from migrate_spec.yaml_text import parse
from tests.conftest import ROOT, SPECS

SERVER = ROOT / "tests/editor/node_modules/yaml-language-server/bin/yaml-language-server"
PATIENCE = 30
SETTINGS = {"yaml": {"validate": True, "completion": True, "hover": True, "schemaStore": {"enable": False}}}
HEAD = """\
# yaml-language-server: $schema=../../schemas/spec.schema.json
collection: task
prefix: "task:"
from: 1
to: 2
"""

Message = dict[str, Any]


class Server:
    """The server, with what it said of each file."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process
        self.numbers = itertools.count(1)
        self.said: Queue[Message] = Queue()
        self.diagnostics: dict[str, list[str]] = {}
        self.listener = Thread(target=self._listen, daemon=True)
        self.listener.start()

    def greet(self) -> None:
        """Let it know who asks, and wait until it is ready."""
        documents = {"completion": {"completionItem": {"snippetSupport": True, "documentationFormat": ["markdown"]}}}
        abilities = {"textDocument": documents, "workspace": {"configuration": True}}
        self.ask("initialize", {"processId": None, "rootUri": None, "capabilities": abilities})
        self.tell("initialized", {})
        while self.next().get("method") != "workspace/configuration":
            pass

    def _listen(self) -> None:
        stream = self.process.stdout
        while stream and (header := stream.readline()).endswith(b"\n"):
            length = int(header.split(b":")[1]) if header.lower().startswith(b"content-length") else 0
            while length and stream.readline().strip():
                pass
            content = stream.read(length)
            if content and len(content) == length:  # the last one is cut off when the server is killed
                self.said.put(json.loads(content))

    def _send(self, message: Message) -> None:
        content = json.dumps({"jsonrpc": "2.0", **message}).encode()
        assert self.process.stdin is not None
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n%b" % (len(content), content))
        self.process.stdin.flush()

    def tell(self, method: str, told: Any) -> None:
        """Send a notification."""
        self._send({"method": method, "params": told})

    def ask(self, method: str, asked: Any) -> Any:
        """Send a request and wait for its answer."""
        number = next(self.numbers)
        self._send({"id": number, "method": method, "params": asked})
        while True:
            message = self.next()
            if message.get("id") == number and "method" not in message:
                assert "result" in message, message
                return message["result"]

    def next(self) -> Message:
        """The next message of the server; what it asks is answered."""
        message = self.said.get(timeout=PATIENCE)
        if message.get("method") == "textDocument/publishDiagnostics":
            found = message["params"]["diagnostics"]
            places = [f"{one['range']['start']['line'] + 1}:{one['range']['start']['character'] + 1}" for one in found]
            told = [f"{place}: {one['message']}" for place, one in zip(places, found, strict=True)]
            self.diagnostics[message["params"]["uri"]] = told
        elif "method" in message and "id" in message:
            wanted = message.get("params", {}).get("items", [])
            self._send({"id": message["id"], "result": [SETTINGS.get(item.get("section")) for item in wanted]})
        return message

    def open(self, text: str) -> str:
        """Open a spec that is no file; its name is new, so that the server knows nothing of it yet."""
        uri = (SPECS / f"task/{next(self.numbers)}.yaml").as_uri()
        document = {"uri": uri, "languageId": "yaml", "version": 1, "text": text}
        self.tell("textDocument/didOpen", {"textDocument": document})
        return uri

    def faults(self, text: str) -> list[str]:
        """What is wrong with a spec, with line and column."""
        uri = self.open(text)
        while uri not in self.diagnostics:
            self.next()
        return self.diagnostics[uri]

    def at(self, mark: str, method: str, text: str) -> Any:
        """The answer for the place of a mark in a spec."""
        before, _, after = (HEAD + text).partition(mark)
        position = {"line": before.count("\n"), "character": len(before.split("\n")[-1])}
        document = {"uri": self.open(before + after)}
        return self.ask(f"textDocument/{method}", {"textDocument": document, "position": position})

    def offered(self, text: str) -> dict[str, Any]:
        """What the server offers at the mark ``‸``: what it would write, by its label."""
        items = self.at("‸", "completion", text)["items"]
        return {item["label"]: item["insertText"].split("\n")[0] for item in items}

    def shown(self, text: str) -> str:
        """What the server shows of the word behind the mark ``‸``."""
        return str(self.at("‸", "hover", text)["contents"]["value"])


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """The server, running."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("node was not found, and the editor's server needs it")
    if not SERVER.exists():
        pytest.skip("the editor's server was not found in tests/editor; `make setup` installs it")
    with subprocess.Popen([node, SERVER, "--stdio"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        server = Server(process)
        try:
            server.greet()
            yield server
        finally:
            process.kill()
            server.listener.join()  # before the pipe that it reads is closed


def example(operation: Any) -> Any:
    """The step of an operation's example."""
    node, _ = parse(operation.example, "f.yaml")
    assert node is not None
    return node.plain()["step"]


def steps(*lines: str) -> str:
    """A spec's steps, from the lines of one."""
    return "steps:\n" + "\n".join(f"  {line}" for line in lines)


@pytest.mark.parametrize("file", sorted(SPECS.glob("*/*.yaml")), ids=lambda file: str(file.relative_to(SPECS)))
def test_a_spec_without_fault(server: Server, file: Path) -> None:
    """Nothing is wrong with the specs of this repository."""
    assert server.faults(file.read_text("utf-8")) == []


RIGHT = {
    "of init": SPEC,
    "all examples": HEAD + json.dumps({"steps": [example(one) for one in all_operations().values()]})[1:-1],
    "all examples on records": HEAD
    + json.dumps({"steps": [], "records": [example(one) for one in all_record_operations().values()]})[1:-1],
    "a table": HEAD + steps("- switch: {on: kind, cases: {true: [], 1: [], null: [], x: [{remove: [a]}]}, else: keep}"),
    "a table of pairs": HEAD + steps("- switch: {on: kind, cases: [[true, []], [1, []], [{a: 1}, []]]}"),
    "conditions": HEAD
    + steps(
        "- at: notes[]",
        "  where: {n: {gt: 3, not: {in: [5, x]}}, any: [{a: 1}, {b: {exists: false}}]}",
        "  set: {a: 1}",
    ),
    "places of a definition": HEAD + steps('- at: "#/$defs/Note"', "  do: [{rename: {a: b}}]"),
}


@pytest.mark.parametrize("name", RIGHT)
def test_what_is_right(server: Server, name: str) -> None:
    """Nothing is wrong with what the language allows."""
    assert server.faults(RIGHT[name]) == []


WRONG = {
    "stepz: []": ['2:1: Missing property "steps".', "6:1: Property stepz is not allowed."],
    steps("- renam: {a: b}"): ["7:5: Property renam is not allowed.", "7:5: An operation was expected."],
    steps("- at: notes[]"): ["7:5: An operation was expected."],
    steps("- rename: {a: b}", "  copy: {c: d}"): [
        "7:5: Property rename is not allowed.",
        "8:5: Property copy is not allowed.",
    ],
    steps("- rename: {a: b}", "  if_exist: keep"): ["8:5: Property if_exist is not allowed."],
    steps("- rename: {a: b}", "  if_exists: kep"): [
        '8:16: Value is not accepted. Valid values: "fail", "keep", "replace".'
    ],
    steps("- default: {a: 1}", "  also_null: x"): ['8:16: Incorrect type. Expected "boolean".'],
    steps("- rename: {a: 1}"): ['7:17: Incorrect type. Expected "string".'],
    steps("- at: a", "  do: [{default: {a: 1}, prune: true}]"): ["8:28: Property prune is not allowed."],
    steps("- set: {a: 1}", "  where: {n: {gt: 3, over: 4}}"): ["8:24: Property over is not allowed."],
    steps("- switch: {on: kind, cases: {1: [{renam: {a: b}}]}}"): [
        "7:37: Property renam is not allowed.",
        "7:36: An operation was expected.",
    ],
}


@pytest.mark.parametrize("text", WRONG)
def test_what_is_wrong(server: Server, text: str) -> None:
    """A fault is told once, at its place, in words of the language and not of the schema."""
    assert server.faults(HEAD + text) == WRONG[text]


@pytest.mark.parametrize(
    "text",
    [
        steps("- ren‸"),
        steps("- ‸"),
        steps("- copy: {a: b}", "- ‸"),
        steps("- at: notes[]", "  do:", "    - ‸"),
        steps("- switch:", "    on: kind", "    cases:", "      true:", "        - ‸"),
    ],
)
def test_operations_are_offered(server: Server, text: str) -> None:
    """Where a step begins each operation is offered once, and no option of one that is not there."""
    offered = server.offered(text)
    assert sorted(offered) == sorted([*all_operations(), "do", "at", "where", "note", "allow", "forget"])
    assert offered["rename"] == "rename:"


def test_operations_on_records_are_offered(server: Server) -> None:
    """So it is under `records`."""
    assert set(server.offered("steps: []\nrecords:\n  - ‸")) >= set(all_record_operations())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (steps("- rename: {a: b}", "  ‸"), {"if_exists", "at", "where", "note"}),
        (steps("- rename: {a: b}", "  if_‸"), {"if_exists", "at", "where", "note"}),
        (steps("- at: notes[]", "  default: {a: 1}", "  ‸"), {"also_null", "where", "note"}),
        (steps("- rename: {a: b}", "  if_exists: ‸"), {"fail", "keep", "replace"}),
        (steps("- default: {a: b}", "  also_null: ‸"), {"false", "true"}),
        (steps("- unwrap:", "    a:", "      on_many: ‸"), {"fail", "first", "last"}),
        (steps("- set: {a: 1}", "  where:", "    n:", "      g‸"), {"gt", "ge", "exists", "matches", "not"}),
        (steps("- add: {a: 1}") + "\nexam‸", {"examples", "description"}),
    ],
)
def test_options_are_offered(server: Server, text: str, expected: set[str]) -> None:
    """Beside an operation its own options are offered, and behind an option its values."""
    offered = set(server.offered(text))
    assert expected <= offered
    assert offered & set(all_operations()) <= expected


@pytest.mark.parametrize("name", all_operations())
def test_an_operation_is_explained(server: Server, name: str) -> None:
    """Over the name of an operation its docstring and its example are shown."""
    operation = all_operations()[name]
    step = example(operation)
    shown = server.shown(steps(f"- ‸{name}: {json.dumps(step.pop(name))}", f"  {json.dumps(step)[1:-1]}"))
    several_forms = "anyOf" in operation_schema(operation)["properties"][name]  # of these the server shows less
    assert shown.startswith(prose(operation))
    assert several_forms or f"```yaml\n{cleandoc(operation.example)}\n```" in shown


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (steps("- copy: {a: b}", "  ‸if_exists: keep"), "What becomes of a field that is there already"),
        (steps("- default: {a: 1}", "  ‸also_null: true"), "Fill fields where they are absent"),
        (steps("- unwrap: {a: {‸on_many: first}}"), "A list of several is refused"),
        (steps("- ‸at: a", "  set: {a: 1}"), "The objects in which the step works"),
        (steps("- set: {a: 1}", "  ‸allow: {loss: why}"), "Findings of \\`validate\\` that are right here"),
        (steps("- set: {a: 1}", "  allow: {‸loss: why}"), "Why this is right: Something does not come back"),
        (steps("- at: a", "  ‸do: [{set: {a: 1}}]"), "Steps, each inside what"),
        (steps("- set: {a: 1}", "  where: {n: {‸gt: 3}}"), "It is greater than this number"),
        ("‸steps: []", "What is done to each document"),
    ],
)
def test_other_words_are_explained(server: Server, text: str, words: str) -> None:
    """Over an option, and every other word of the language, stands what it means."""
    assert server.shown(text).startswith(words)
