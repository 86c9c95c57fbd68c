"""What the function makes of its ctx: log, spans, metrics, secrets, each where the runtime offers it."""

from __future__ import annotations

import itertools
import logging
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import MagicMock

import pytest

import main
from exr_inspector.apps.devserver.context import Context
from exr_inspector.errors import InspectorError
from exr_inspector.version_reader import FIRST_LOCAL_READ
from tests.exrfiles.demo import layered_beauty, simple
from tests.service.function import BUCKET, Function, check, created, created_all, plain, removed
from tests.sources.faults import every, reset, status
from tests.sources.server import S3Server

SECRETS = {"S3_ACCESS_KEY": "AKIA-do-not-tell", "S3_SECRET_KEY": "s3cr3t-do-not-tell"}


@pytest.fixture
def image(folder: Path) -> Path:
    path = folder / "a.exr"
    path.write_bytes(simple(4, 4))
    return path


# --- what ctx offers is used, what it lacks is not missed ------------------------------------------------


@pytest.mark.parametrize(
    "ctx",
    [
        None,
        SimpleNamespace(),
        SimpleNamespace(logger=logging.getLogger("user"), tracer=None, secrets=None, counter=None),
        MagicMock(),
    ],
    ids=["nothing", "empty", "a logger alone", "whatever is asked for"],
)
def test_a_ctx_may_offer_nothing_or_anything(function: Function, image: Path, ctx: Any) -> None:
    main.init(ctx)
    document = main.handler(ctx, plain(image))
    check(document)
    assert document["persistence"]["status"] == "stored"


class _Raising:
    """A ctx that raises for all that it offers but for these."""

    def __init__(self, **offered: Any) -> None:
        self._offered = offered

    def __getattr__(self, name: str) -> Any:
        if name not in self._offered:
            raise _PathNotFoundError(name)
        return self._offered[name]


def _raise(*_: Any, **__: Any) -> Any:
    raise _PathNotFoundError("no")


BROKEN = [
    _Raising(),
    _Raising(counter=_raise, histogram=_raise, tracer=SimpleNamespace(start_as_current_span=_raise)),
    _Raising(
        counter=lambda *_, **__: SimpleNamespace(add=_raise),
        histogram=lambda *_, **__: SimpleNamespace(record=_raise),
    ),
]


@pytest.mark.parametrize("ctx", BROKEN, ids=["all of it", "what it makes", "what it made"])
def test_a_ctx_that_raises_costs_no_event(function: Function, image: Path, ctx: Any) -> None:
    main.init(ctx)
    assert main.handler(ctx, plain(image))["persistence"]["status"] == "stored"


def test_a_runtime_whose_counter_takes_a_name_alone_is_told_too(function: Function, image: Path) -> None:
    counted = []
    instrument = SimpleNamespace(add=lambda value, attributes: counted.append((value, attributes)))
    main.init(SimpleNamespace(counter=lambda name: instrument))
    main.handler(None, plain(image))
    assert (1, {"status": "ok"}) in counted


def test_every_step_has_a_span_and_a_duration(function: Function, image: Path) -> None:
    function.init()
    function.handle(plain(image))
    spans = function.ctx.recorded.spans
    steps = ["exr_inspector.init", "exr_inspector.handler", "exr_inspector.read", "exr_inspector.store"]
    assert [span.name for span in spans] == steps
    assert [span.attributes for span in spans] == [{}, {}, {"path": str(image)}, {"files": 1}]
    assert all(span.ended for span in spans)
    durations = _measured(function, "exr_inspector.duration")
    assert Counter(each.attributes["step"] for each in durations) == Counter(
        ["init", "handler", "read", "store"]
    )
    assert all(each.kind == "histogram" and each.value > 0 for each in durations)


def test_where_nothing_is_stored_no_store_span_says_so(function: Function) -> None:
    function.handle({"data": {}})
    function.handle(removed("never-there.txt"))
    assert {span.name for span in function.ctx.recorded.spans} == {
        "exr_inspector.init",
        "exr_inspector.handler",
    }


def test_a_fault_that_is_raised_ends_its_spans_and_is_told_to_them(function: Function, s3: S3Server) -> None:
    function.read_from(s3)
    s3.plan = every(1, [reset])
    with pytest.raises(InspectorError) as raised:
        function.handle(created("spans.exr"))
    told = {span.name: span.exceptions for span in function.ctx.recorded.spans}
    assert all(span.ended for span in function.ctx.recorded.spans)
    assert told["exr_inspector.handler"] == told["exr_inspector.read"] == [raised.value]
    assert [each.attributes["step"] for each in _measured(function, "exr_inspector.duration")] == [
        "init",
        "read",
        "handler",
    ]


def test_files_are_counted_by_status_and_bytes_as_read(function: Function, folder: Path) -> None:
    contents = {"ok.exr": layered_beauty(), "empty.exr": b"", "text.exr": b"not an image" * 10}
    for name, content in contents.items():
        (folder / name).write_bytes(content)
        function.handle(plain(folder / name))
    function.handle(plain(folder / "absent.exr"))
    counted = _measured(function, "exr_inspector.files")
    assert [(each.value, dict(each.attributes)) for each in counted] == [
        (1, {"status": word}) for word in ("ok", "incomplete", "unsupported", "missing")
    ]
    read = _measured(function, "exr_inspector.bytes_read")
    assert [each.value for each in read] == [min(FIRST_LOCAL_READ, len(contents["ok.exr"])), 0, 120, 0]
    assert {each.kind for each in (*counted, *read)} == {"counter"}


def test_the_spans_of_a_batch_belong_to_its_handler(function: Function, folder: Path) -> None:
    """Files are read in threads of their own; a tracer finds the current span by the context."""
    tracer = _ContextTracer()
    ctx = SimpleNamespace(tracer=tracer)
    main.batch_handler(ctx, [plain(folder / f"{number}.exr") for number in range(5)])
    parents = Counter((name, parent) for name, parent in tracer.begun)
    assert parents == Counter(
        {
            ("exr_inspector.init", None): 1,
            ("exr_inspector.handler", None): 1,
            ("exr_inspector.read", "exr_inspector.handler"): 5,
            ("exr_inspector.store", "exr_inspector.handler"): 1,
        }
    )


class _ContextTracer:
    """Knows which span is current as OpenTelemetry does: by a context variable."""

    def __init__(self) -> None:
        self.begun: list[tuple[str, str | None]] = []
        self._current: ContextVar[str | None] = ContextVar("current", default=None)
        self._lock = threading.Lock()

    @contextmanager
    def start_as_current_span(self, name: str) -> Iterator[Any]:
        with self._lock:
            self.begun.append((name, self._current.get()))
        token = self._current.set(name)
        try:
            yield SimpleNamespace(set_attribute=lambda key, value: None)
        finally:
            self._current.reset(token)


def test_an_event_is_logged_where_its_own_ctx_says(function: Function, image: Path) -> None:
    """Instruments are made once, in `init`; a runtime may hand each event another ctx."""
    function.init()
    other = Context("another", {}, keep=100)
    main.handler(other, plain(image))
    assert function.log == []
    assert [message.split()[0] for _, message in other.recorded.logs] == ["Persisting", "Wrote"]
    assert {span.name for span in other.recorded.spans} == {
        "exr_inspector.handler",
        "exr_inspector.read",
        "exr_inspector.store",
    }
    assert len(_measured(function, "exr_inspector.files")) == 1
    assert not other.recorded.measurements


def _measured(function: Function, name: str) -> list[Any]:
    return [each for each in function.ctx.recorded.measurements if each.name == name]


# --- secrets --------------------------------------------------------------------------------------------


def test_a_secret_gives_what_the_environment_does_not(bare: Function) -> None:
    bare.ctx = Context("f", {"exr-inspector": SECRETS})
    bare.set(S3_REGION="eu-west-1")
    bare.init()
    settings = bare.runtime.settings
    assert (settings.s3_access_key, settings.s3_secret_key) == tuple(SECRETS.values())
    assert settings.s3_region == "eu-west-1"


def test_a_secret_overlays_the_environment(bare: Function) -> None:
    bare.ctx = Context("f", {"exr-inspector": SECRETS})
    bare.set(S3_ACCESS_KEY="of the environment", S3_REGION="eu-west-1")
    bare.init()
    assert bare.runtime.settings.s3_access_key == SECRETS["S3_ACCESS_KEY"]
    assert bare.runtime.settings.s3_region == "eu-west-1"


def test_a_secret_may_hold_numbers_and_flags(bare: Function) -> None:
    """As a YAML reader makes them of what nobody put into quotes."""
    bare.ctx = Context("f", {"exr-inspector": {"S3_VERIFY_TLS": False, "S3_CONNECTIONS": 7}})  # type: ignore[dict-item]
    bare.set(S3_VERIFY_TLS="true")
    bare.init()
    assert (bare.runtime.settings.s3_verify_tls, bare.runtime.settings.s3_connections) == (False, 7)


@pytest.mark.parametrize("empty", ["", None])
def test_an_empty_secret_leaves_the_environment_as_it_is(bare: Function, empty: Any) -> None:
    bare.ctx = Context("f", {"exr-inspector": {"S3_ACCESS_KEY": empty}})
    bare.set(S3_ACCESS_KEY="of the environment", S3_SECRET_KEY="too")
    bare.init()
    assert bare.runtime.settings.s3_access_key == "of the environment"


@pytest.mark.parametrize("name", ["S3_ACCESS_KEY", "S3_SECRET_KEY"])
def test_what_a_file_or_form_puts_around_a_secret_is_no_part_of_it(bare: Function, name: str) -> None:
    bare.ctx = Context("f", {"exr-inspector": {**SECRETS, name: f" {SECRETS[name]}\r\n"}})
    bare.init()
    settings = bare.runtime.settings
    assert (settings.s3_access_key, settings.s3_secret_key) == tuple(SECRETS.values())


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        *itertools.product(
            ["S3_ACCESS_KEY", "S3_SECRET_KEY", "VAST_DB_ACCESS_KEY", "VAST_DB_SECRET_KEY"],
            ["do-not\n-tell", "do-not-tell\x7f"],
        ),
        ("S3_ACCESS_KEY", "do-not-tell\u00e9"),
        ("VAST_DB_ACCESS_KEY", "do-not-tell\u00e9"),
    ],
)
def test_a_secret_that_no_request_can_carry_is_a_bad_setting_that_is_not_quoted(
    bare: Function, name: str, wrong: str
) -> None:
    bare.ctx = Context("f", {"exr-inspector": {name: wrong}})
    with pytest.raises(InspectorError, match=f"BAD_SETTING: {name} must be printable") as raised:
        bare.init()
    assert "tell" not in _chain(raised.value)


@pytest.mark.parametrize("wrong", [{"S3_ACCESS_KEY": "only"}, {"S3_REGION": "not a region!"}])
def test_settings_that_make_no_client_are_seen_by_init_without_an_endpoint_too(
    bare: Function, wrong: dict[str, str]
) -> None:
    """And by every event, which is not acknowledged, until they are right."""
    bare.set(**wrong)
    for start in (bare.init, lambda: bare.handle(created("a.exr"))):
        with pytest.raises(InspectorError, match="BAD_SETTING"):
            start()


def test_the_secrets_name_is_a_setting(bare: Function) -> None:
    bare.ctx = Context("f", {"exr-inspector": {"S3_REGION": "wrong"}, "render": {"S3_REGION": "right-1"}})
    bare.set(EXR_INSPECTOR_SECRET="render")
    bare.init()
    assert bare.runtime.settings.s3_region == "right-1"


class _PathNotFoundError(Exception):
    """An exception as a runtime may raise it, without a base class that Python has for this."""


class _Refusing(Mapping[str, Any]):
    """Raises for every access."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def __getitem__(self, name: str) -> Any:
        raise self.error

    def __iter__(self) -> Iterator[str]:
        raise self.error

    def __len__(self) -> int:
        raise self.error


ABSENT = [
    _PathNotFoundError("/secrets/exr-inspector"),
    Exception("Path not found"),
    RuntimeError("secret 'exr-inspector' does not exist"),
    OSError("No such secret"),
    FileNotFoundError("/secrets"),
    KeyError("k"),
    AttributeError("a"),
    TypeError("t"),
]
FAILING = [
    PermissionError(13, "Permission denied", "/secrets/exr-inspector"),
    TimeoutError("timed out"),
    ConnectionRefusedError("refused"),
    OSError(5, "Input/output error"),
    RuntimeError("the vault is sealed"),
    ValueError("v"),
]
at_depths = pytest.mark.parametrize("depth", ["secret", "key"])


def _refusing_context(error: Exception, depth: str) -> Any:
    """Return a ctx that raises the error for the whole secret, or for each of its keys."""
    refusing = _Refusing(error)
    return SimpleNamespace(secrets=refusing if depth == "secret" else {"exr-inspector": refusing})


@pytest.mark.parametrize("error", ABSENT, ids=repr)
@at_depths
def test_an_absent_secret_leaves_the_environment_as_it_is(
    bare: Function, error: Exception, depth: str
) -> None:
    bare.set(S3_ACCESS_KEY="of the environment", S3_SECRET_KEY="too")
    main.init(_refusing_context(error, depth))
    assert bare.runtime.settings.s3_access_key == "of the environment"


@pytest.mark.parametrize("error", FAILING, ids=repr)
@at_depths
def test_a_secret_that_cannot_be_read_is_a_fault_that_a_retry_may_cure(
    bare: Function, image: Path, caplog: pytest.LogCaptureFixture, error: Exception, depth: str
) -> None:
    """It must not be taken for absent: the environment's keys may be others."""
    bare.set(S3_ACCESS_KEY="of the environment", S3_SECRET_KEY="too")
    ctx = _refusing_context(error, depth)
    for start in (lambda: main.init(ctx), lambda: main.handler(ctx, plain(image))):
        caplog.clear()
        with pytest.raises(InspectorError, match="'exr-inspector' cannot be read") as raised:
            start()
        assert (raised.value.code, raised.value.retry) == ("SECRET_UNAVAILABLE", True)
        assert raised.value.__cause__ is error
        (logged,) = caplog.messages
        assert logged.startswith("The function cannot start: SECRET_UNAVAILABLE: ")
    main.handler(None, plain(image))  # the runtime has recovered
    assert bare.runtime.settings.s3_access_key == "of the environment"


def test_a_missing_key_does_not_affect_the_others(bare: Function) -> None:
    class Keyed(_Refusing):
        def __getitem__(self, name: str) -> Any:
            return SECRETS[name] if name in SECRETS else super().__getitem__(name)

    main.init(SimpleNamespace(secrets={"exr-inspector": Keyed(_PathNotFoundError("Path not found"))}))
    assert bare.runtime.settings.s3_secret_key == SECRETS["S3_SECRET_KEY"]


def test_no_secret_reaches_the_log_a_document_an_error_or_a_terminal(
    function: Function,
    s3: S3Server,
    image: Path,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture,
) -> None:
    """Not even with every logger at its lowest level, and whatever goes wrong."""
    caplog.set_level(logging.DEBUG)
    s3.put(BUCKET, "secret.exr", simple(4, 4))
    function.read_from(s3)
    keys = {"S3_ACCESS_KEY": SECRETS["S3_ACCESS_KEY"] + "\n"}
    secrets = {**SECRETS, **keys, "VAST_DB_SECRET_KEY": "vast-do-not-tell", "EXR_INSPECTOR_MAX_PARTS": "12"}
    function.ctx = Context("f", {"exr-inspector": secrets}, keep=1000, log_level="DEBUG")
    told = [str(function.handle(created("secret.exr"))), str(function.handle(plain(image)))]
    for fault in (status(403, "SignatureDoesNotMatch"), status(503), reset):
        s3.plan = every(1, [fault])
        with pytest.raises(InspectorError) as raised:
            function.handle(created_all("secret.exr", "other.exr"))
        told.append(_chain(raised.value))
    function.restart()
    wrong = {**secrets, "S3_READ_TIMEOUT": SECRETS["S3_SECRET_KEY"]}
    function.ctx.secrets = Context("f", {"exr-inspector": wrong}).secrets
    with pytest.raises(InspectorError, match="BAD_SETTING: S3_READ_TIMEOUT is not a number") as raised:
        function.init()
    told.append(_chain(raised.value))
    told += [caplog.text, str(function.ctx.recorded.spans), str(function.log), *capfd.readouterr()]
    assert len(caplog.text) > 1000
    assert "Persisting metadata" in str(told)
    for value in (*SECRETS.values(), "vast-do-not-tell"):
        assert not [text for text in told if value in text]


def _chain(error: BaseException | None) -> str:
    """An error and all that it came from, as a traceback would print them."""
    texts = []
    while error is not None:
        texts.append(repr(error))
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return "\n".join(texts)
