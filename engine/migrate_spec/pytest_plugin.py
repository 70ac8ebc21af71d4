"""The laws as tests of pytest: each spec is a file of tests, and each law that is about it one of them.

They are there only where they are asked for, by ``--migrate-spec`` or by ``migrate_spec = true`` in pytest's settings,
and where pytest looks at the folder of specs: ``pytest specs``, or ``testpaths = ["tests", "specs"]``. pytest loads
this module wherever migrate-spec is installed, so nothing else is imported before that.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from os.path import relpath
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from migrate_spec.codec import Json
    from migrate_spec.laws import Law
    from migrate_spec.project import Project
    from migrate_spec.trials import Failure
    from migrate_spec.ways import Way

__all__ = ["pytest_addoption", "pytest_collect_file"]

DOCUMENTS = 200
SECONDS = 60.0
"""At most for one test."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options and the setting."""
    group = parser.getgroup("migrate-spec")
    group.addoption(
        "--migrate-spec", action="store_true", help="Test the specs that are collected: each keeps all laws."
    )
    group.addoption(
        "--migrate-spec-documents",
        type=int,
        default=DOCUMENTS,
        metavar="N",
        help=f"Make so many documents for each spec (default: {DOCUMENTS}).",
    )
    parser.addini("migrate_spec", "Test the specs that are collected, as --migrate-spec does.", type="bool")


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """The tests of a file, where it is a spec and its tests are asked for."""
    config = parent.config
    if file_path.suffix != ".yaml" or not (config.getoption("--migrate-spec") or config.getini("migrate_spec")):
        return None
    if _KEY not in config.stash:
        config.stash[_KEY] = _Tests(config)
    tests = config.stash[_KEY]
    if file_path.parent.parent != tests.folders["specs"]:
        return None
    return SpecFile.from_parent(parent, path=file_path)


class _Tests:
    """What the tests of one run share.

    Attributes:
        folders: those of the specs and the schemas.
        number: of documents that are made.
    """

    def __init__(self, config: pytest.Config) -> None:
        from migrate_spec.cli.settings import read_settings  # noqa: PLC0415 - as the module says

        found = read_settings(config.rootpath)
        names = ("specs", "schemas")
        self.folders = {name: (config.rootpath / found.get(name, name)).resolve() for name in names}
        self.number: int = config.getoption("--migrate-spec-documents")
        self._shown = {name: Path(relpath(path, config.invocation_params.dir)) for name, path in self.folders.items()}
        self._documents: dict[Way, list[Json]] = {}

    @cached_property
    def project(self) -> Project:
        """The project, its files named as from where pytest was started."""
        from migrate_spec.project import load  # noqa: PLC0415 - as the module says

        return load(self._shown["specs"], self._shown["schemas"])

    @cached_property
    def ways(self) -> list[Way]:
        """All that is tested."""
        from migrate_spec.trials import ways_of  # noqa: PLC0415 - as the module says

        return ways_of(self.project.registry)

    @property
    def options(self) -> list[str]:
        """What a command must say of the folders."""
        given = [(f"--{name}", path) for name, path in self._shown.items() if path != Path(name)]
        return [word for option, path in given for word in (option, str(path))]

    def documents(self, way: Way) -> list[Json]:
        """The documents for a way, made once.

        Raises:
            ValueError: none can be made.
        """
        from migrate_spec.trials import generated  # noqa: PLC0415 - as the module says

        if way not in self._documents:
            self._documents[way] = list(generated(way, self.number))
        return self._documents[way]


_KEY = pytest.StashKey[_Tests]()


class SpecFile(pytest.File):
    """A spec."""

    def collect(self) -> Iterator[pytest.Item]:
        """A test for each law; those of several specs behind each other are at the first of these."""
        from migrate_spec.errors import SpecError  # noqa: PLC0415 - as the module says
        from migrate_spec.laws import LAWS  # noqa: PLC0415

        tests = self.config.stash[_KEY]
        try:
            ways = tests.ways
        except SpecError as error:
            raise self.CollectError(str(error)) from None
        for way in ways:
            if Path(way.first.place().file).resolve() != self.path:
                continue
            for law in LAWS:
                if law.of_steps if way.is_one_step else law.of_ways:
                    versions = "" if way.is_one_step else f"[v{way.first.from_version}-v{way.last.to_version}]"
                    yield LawTest.from_parent(self, name=f"{law.name}{versions}", way=way, law=law)


class LawTest(pytest.Item):
    """A law on a way."""

    def __init__(self, *, way: Way, law: Law, **given: Any) -> None:
        super().__init__(**given)
        self.way, self.law = way, law

    def runtest(self) -> None:
        """Try the law on the documents."""
        from migrate_spec.trials import try_laws  # noqa: PLC0415 - as the module says

        if not self.law.applies(self.way):
            pytest.skip(f"there is no way back: {self.way.irreversible}")
        try:
            documents = self.config.stash[_KEY].documents(self.way)
        except ValueError as error:
            pytest.skip(f"no document could be made: {error}")
        for failure in try_laws(self.way, [self.law], documents, SECONDS).failures:
            raise LawBroken(failure)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """A broken law as `migrate-spec test` tells it; anything else as pytest does."""
        if not isinstance(excinfo.value, LawBroken):
            return super().repr_failure(excinfo, style)
        from migrate_spec.trials import told  # noqa: PLC0415 - as the module says

        return told(excinfo.value.failure, self.config.stash[_KEY].options)

    def reportinfo(self) -> tuple[Path, int, str]:
        """Where the spec begins, and what is tested."""
        return self.path, self.way.first.place().line - 1, f"{self.way.name}: {self.law.name}"


class LawBroken(Exception):  # noqa: N818 - says what happened
    """A document breaks a law."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.law.name)
        self.failure = failure
