"""Run every query of docs/VAST_ANALYTICS_QUERIES.md and compare its answer with the expected one.

Trino itself is not available. Its queries are parsed in its dialect; their tables, columns, functions and
names are checked; and they are translated to DuckDB's dialect, which must give the same answers.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest
import sqlglot
from sqlglot import exp
from sqlglot.optimizer.qualify import qualify

from exr_inspector.apps.questions import load
from exr_inspector.catalog.columns import TABLES
from exr_inspector.catalog.duckdb.store import DuckDBStore
from tests import corpus
from tests.queries import corpus_answers, dune_answers, studio_answers
from tests.queries.questions import DOCUMENT, Question, questions
from tests.queries.studio import ROOT, fill, fill_measured

QUESTIONS = questions()
ROWS = {**studio_answers.ROWS, **dune_answers.ROWS}
HEADINGS = [question.heading for question in QUESTIONS]
SAMPLED = [question for question in QUESTIONS if question.sample]
SCHEMA = {table: dict.fromkeys(schema.names, "varchar") for table, schema in TABLES.items()}

# The Trino functions used here; see "List of functions and operators" in its documentation.
TRINO_FUNCTIONS = {
    *(
        "abs",
        "approx_percentile",
        "array_agg",
        "avg",
        "bool_and",
        "cast",
        "coalesce",
        "concat",
        "cosine_similarity",
    ),
    *("count", "json_extract_scalar", "json_parse", "lag", "lower", "max", "min", "min_by"),
    *("regexp_extract", "round", "row_number", "split", "split_part", "sum", "try_cast", "unnest"),
}
TRINO_TYPES = {"array"}
# Words that Trino does not accept as unquoted names; see "Reserved keywords" in its documentation.
TRINO_RESERVED = re.compile(
    r"""alter|and|as|between|by|case|cast|constraint|create|cross|cube|current_\w+|deallocate|delete|describe
    |distinct|drop|else|end|escape|except|execute|exists|extract|false|for|from|full|group|grouping|having|in
    |inner|insert|intersect|into|is|join|json_\w+|left|like|listagg|localtime|localtimestamp|natural|normalize
    |not|null|on|or|order|outer|prepare|recursive|right|rollup|select|skip|table|then|trim|true|uescape|union
    |unnest|using|values|when|where|with""",
    re.IGNORECASE | re.VERBOSE,
)

each_question = pytest.mark.parametrize("question", QUESTIONS, ids=HEADINGS)
Rows = list[tuple[Any, ...]]
StoreOf = Callable[[Question], DuckDBStore]


@pytest.fixture(scope="module")
def studio() -> Iterator[DuckDBStore]:
    """Return a store with the generated shows."""
    store = DuckDBStore(":memory:")
    fill(store, with_corpus=False)
    yield store
    store.close()


@pytest.fixture(scope="module")
def measured() -> Iterator[DuckDBStore]:
    """Return a store with a show whose pixels were measured."""
    store = DuckDBStore(":memory:")
    fill_measured(store)
    yield store
    store.close()


@pytest.fixture
def store_of(studio: DuckDBStore, measured: DuckDBStore) -> Callable[[Question], DuckDBStore]:
    """Return which store answers a question."""
    return lambda question: measured if question.heading in dune_answers.ROWS else studio


@pytest.fixture(scope="module")
def studio_and_corpus() -> Iterator[DuckDBStore]:
    """Return a store with the generated shows, and the corpus as a third show."""
    store = DuckDBStore(":memory:")
    fill(store, with_corpus=True)
    yield store
    store.close()


def answer(store: DuckDBStore, sql: str) -> Rows:
    """Return the rows, without the root of paths."""
    return _rows(store.query(sql))


def _rows(answer: Any) -> Rows:
    columns = [column.to_pylist() for column in answer.columns]
    return [tuple(map(_plain, row)) for row in zip(*columns, strict=True)]


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace(ROOT, "")
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return int(value) if isinstance(value, Decimal) else value


# --- the document ---------------------------------------------------------------------------------------


def test_there_are_at_least_twenty_distinct_questions() -> None:
    assert len(set(HEADINGS)) == len(HEADINGS) >= 20


def test_every_question_has_an_answer_and_every_answer_a_question() -> None:
    assert set(ROWS) == set(HEADINGS)
    assert set(corpus_answers.ROWS) <= set(HEADINGS)


def test_no_expected_answer_is_empty() -> None:
    assert [heading for heading, rows in ROWS.items() if not rows] == []


@each_question
def test_a_question_has_one_query_for_both_databases_or_one_for_each(question: Question) -> None:
    assert set(question.sql) in ({""}, {"duckdb", "trino"})


def test_every_code_block_of_the_document_belongs_to_a_question() -> None:
    assert DOCUMENT.read_text().count("```") == 2 * sum(len(question.sql) for question in QUESTIONS)


@pytest.mark.parametrize("question", SAMPLED, ids=lambda question: question.heading)
def test_a_sample_answer_is_the_start_of_the_expected_answer(question: Question, store_of: StoreOf) -> None:
    names, *sample = question.sample
    known = ROWS[question.heading][: len(sample)]
    assert names == store_of(question).query(question.duckdb).column_names
    assert sample == [[_shown(value) for value in row] for row in known]


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(_shown, value))
    return str(value).lower() if isinstance(value, bool) else str(value)


# --- DuckDB ---------------------------------------------------------------------------------------------


@each_question
def test_duckdb_gives_the_expected_answer(question: Question, store_of: StoreOf) -> None:
    assert answer(store_of(question), question.duckdb) == ROWS[question.heading]


@corpus.needed
@pytest.mark.parametrize(
    "question",
    [each for each in QUESTIONS if each.heading in studio_answers.ROWS],
    ids=lambda each: each.heading,
)
def test_the_corpus_adds_the_expected_rows(question: Question, studio_and_corpus: DuckDBStore) -> None:
    rows = answer(studio_and_corpus, question.duckdb)
    ours = studio_answers.ROWS[question.heading]
    assert [row for row in rows if row in ours] == ours
    added = [row for row in rows if row not in ours]
    if counts := corpus_answers.COUNTS.get(question.heading):
        assert Counter(status for _, status, *_ in added) == counts
    else:
        assert added == corpus_answers.ROWS.get(question.heading, [])


# --- values of parameters -------------------------------------------------------------------------------

KNOWN = {each.title: each for each in load.questions()}


@each_question
def test_bound_values_give_the_answer_of_the_document(question: Question, store_of: StoreOf) -> None:
    known = KNOWN[question.heading]
    values = {each.name: each.example for each in known.parameters if each.default is None}
    found = store_of(question).query(*known.bind(values))
    assert _rows(found) == ROWS[question.heading]


@each_question
def test_a_path_limits_every_question_to_its_files(question: Question, store_of: StoreOf) -> None:
    known = KNOWN[question.heading]
    values = {each.name: each.example for each in known.parameters if each.default is None}
    store = store_of(question)
    everything = _rows(store.query(*known.bind(values)))
    assert _rows(store.query(*known.bind({**values, "path": ROOT}))) == everything
    assert _rows(store.query(*known.bind({**values, "path": "no/such/folder"}))) == []


# --- Trino ----------------------------------------------------------------------------------------------


@each_question
def test_trino_finds_every_table_and_column(question: Question) -> None:
    """Aliases are not expanded: Trino accepts them in ORDER BY only."""
    qualify(_trino(question), schema=SCHEMA, dialect="trino", expand_alias_refs=False)


def test_trino_has_every_function() -> None:
    """A function name is followed directly by a parenthesis; other words by a space."""
    texts = [re.sub(r"'[^']*'", "''", question.trino).lower() for question in QUESTIONS]
    assert {name for text in texts for name in re.findall(r"(\w+)\(", text)} == TRINO_FUNCTIONS | TRINO_TYPES


@each_question
def test_no_name_is_a_reserved_word_of_trino(question: Question) -> None:
    names = [each.name for each in _trino(question).find_all(exp.Identifier)]
    assert [name for name in names if TRINO_RESERVED.fullmatch(name)] == []


@each_question
def test_the_trino_query_gives_the_same_answer_when_translated_to_duckdb(
    question: Question, store_of: StoreOf
) -> None:
    text = question.trino.replace("cosine_similarity", "list_cosine_similarity")
    sql = sqlglot.transpile(text, read="trino", write="duckdb")[0]
    assert answer(store_of(question), sql) == ROWS[question.heading]


@pytest.mark.parametrize(
    "wrong", ["SELECT nothing FROM files", "SELECT file_id FROM nothing", "SELECT f.nothing FROM files AS f"]
)
def test_an_unknown_name_is_detected(wrong: str) -> None:
    with pytest.raises(sqlglot.errors.OptimizeError):
        qualify(sqlglot.parse_one(wrong, dialect="trino"), schema=SCHEMA, dialect="trino")


def _trino(question: Question) -> Any:
    return sqlglot.parse_one(question.trino, dialect="trino")
