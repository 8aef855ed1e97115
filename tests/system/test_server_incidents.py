# SPDX-License-Identifier: PostgreSQL
"""Weaknesses that PostgreSQL and its extensions have had, tried on the guard.

test_guard_incidents.py has the table of all of them.
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Callable, Iterator

import psycopg
import pytest
from conftest import connect
from governed import VISIBLE_ROWS, Governed, act_as, expose
from psycopg import sql
from refusal import describe

Connection = psycopg.Connection[tuple]
NewSession = Callable[..., Connection]


@pytest.fixture
def member(new_session: NewSession, governed: Governed) -> Connection:
    return act_as(new_session(), f"{governed.tenant}_member_2")


@pytest.fixture
def agent(new_session: NewSession, governed: Governed) -> Connection:
    return act_as(new_session(), f"{governed.tenant}_agent_2")


def rows_of(session: Connection, query: str) -> str:
    return str(session.execute(query).fetchall())


# I-19: CVE-2017-7484, CVE-2019-10130, CVE-2024-4317, CVE-2025-8713


@pytest.fixture
def analysed_before(governed: Governed, session: Connection) -> Iterator[None]:
    """Statistics of every kind, of all rows: the table's, extended ones, those of its parent."""
    schema, table = governed.tenant, governed.table
    session.execute("SELECT lakehouse.unexpose(%s)", [expose(session, schema)])
    session.execute(f"CREATE STATISTICS {schema}.pairs (mcv) ON note, region FROM {table}")
    session.execute(f"CREATE STATISTICS {schema}.terms ON (note || '!') FROM {table}")
    session.execute(f"CREATE TABLE {schema}.parent (note text, region text)")
    session.execute(f"CREATE STATISTICS {schema}.of_parent (mcv) ON note, region FROM {schema}.parent")
    session.execute(f"ALTER FOREIGN TABLE {table} INHERIT {schema}.parent")
    session.execute(f"ANALYZE {table}, {schema}.parent")
    assert statistics(session, governed).count(governed.hidden_note) >= 5
    yield
    session.execute(f"ALTER FOREIGN TABLE {table} NO INHERIT {schema}.parent")
    session.execute(f"DROP TABLE {schema}.parent")
    session.execute(f"DROP STATISTICS {schema}.pairs, {schema}.terms")
    expose(session, schema)


def statistics(session: Connection, governed: Governed) -> str:
    """Everything that the catalogs hold of the tenant's tables, as a superuser sees it."""
    views = ("pg_stats", "pg_stats_ext", "pg_stats_ext_exprs")
    query = " SELECT x::text FROM {} x WHERE schemaname = '{}'"
    return "".join(rows_of(session, query.format(view, governed.tenant)) for view in views)


def test_i19_statistics_hold_no_hidden_value(
    governed: Governed, session: Connection, analysed_before: None
) -> None:
    """Neither those taken before the table was exposed nor those taken after."""
    for row_filter in ("region = 'EU'", None):
        expose(session, governed.tenant, row_filter)
        assert not [c for c in governed.canaries if c in statistics(session, governed)]
        session.execute(f"ANALYZE {governed.table}, {governed.tenant}.parent")
        found = statistics(session, governed)
        assert governed.hidden_value not in found
        assert (governed.hidden_note in found) == (row_filter is None)


def test_i19_estimates_know_no_hidden_row(
    governed: Governed, session: Connection, member: Connection, analysed_before: None
) -> None:
    expose(session, governed.tenant)

    def plan(note: str) -> str:
        return rows_of(
            member,
            f"EXPLAIN SELECT id FROM {governed.table} WHERE note = '{note}' AND region = 'US'",
        )

    assert plan(governed.hidden_note) == plan("no such note")


def test_i19_a_leaky_operator_sees_no_hidden_value(
    governed: Governed, session: Connection, member: Connection, analysed_before: None
) -> None:
    """The planner calls an operator of the user's on values of the statistics, before any filter."""
    expose(session, governed.tenant)
    session.execute(f"GRANT SELECT ON {governed.table} TO {governed.tenant}_member")
    told: list[str] = []
    member.add_notice_handler(lambda notice: told.append(notice.message_primary or ""))
    member.execute(
        "CREATE FUNCTION pg_temp.tell(text, text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE"
        " COST 0.0001 AS $$ BEGIN RAISE NOTICE '%', $1; RETURN true; END $$;"
        "CREATE OPERATOR pg_temp.<<< (LEFTARG = text, RIGHTARG = text, FUNCTION = pg_temp.tell,"
        " RESTRICT = scalarltsel, JOIN = scalarltjoinsel)"
    )
    query = f"SELECT note FROM {governed.table} WHERE note OPERATOR(pg_temp.<<<) 'x'"
    member.execute(f"EXPLAIN {query}")
    member.execute(query)
    assert len([line for line in told if line.startswith("row ")]) >= VISIBLE_ROWS
    assert not [canary for canary in governed.canaries if canary in str(told)]
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        member.execute(f"EXPLAIN {query} AND secret OPERATOR(pg_temp.<<<) 'x'")
    assert governed.hidden_value not in str(told)


# I-20: CVE-2014-8161, CVE-2021-3393, CVE-2021-20229

FAILING = [
    "SELECT note::int FROM {t}",
    "SELECT string_agg(note, ',')::int FROM {t}",
    "SELECT note::date FROM {t} ORDER BY amount DESC",
    "SELECT (SELECT note FROM {t})",
    "SELECT 1 / (amount - 1) FROM {t}",
    "SELECT id FROM {t} WHERE 1 / (amount - 1) > 0",
    "SELECT id FROM {t} ORDER BY 1 / (amount - 1)",
    "SELECT note::jsonb FROM {t}",
    "SELECT to_number(note, 'x') FROM {t}",
    "SELECT secre FROM {t}",
    "SELECT secret.x FROM {t}",
    "SELECT t.secret FROM {t} s",
    "SELECT secret(s) FROM {t} s",
    "SELECT id FROM {t} WHERE secret",
    "SELECT id FROM {t} WHERE secret = note || 1 || 'x'::int",
    "SELECT a.note, b.secret FROM {t} a JOIN {t} b ON a.id = b.id",
]
FAILING_WRITES = [
    "INSERT INTO pg_temp.few SELECT note, region FROM {t}",
    "INSERT INTO pg_temp.few SELECT note, NULL FROM {t} ORDER BY amount DESC",
    "INSERT INTO pg_temp.once SELECT region FROM {t}",
    "INSERT INTO pg_temp.parts SELECT note FROM {t} ORDER BY amount DESC",
    "DO $$ BEGIN RAISE EXCEPTION '%', (SELECT string_agg(note, ',') FROM {t}); END $$",
]


@pytest.mark.parametrize("kind", ["member", "agent"])
@pytest.mark.parametrize("query", FAILING + FAILING_WRITES)
def test_i20_an_error_tells_nothing_hidden(
    governed: Governed, new_session: NewSession, query: str, kind: str
) -> None:
    session = act_as(new_session(), f"{governed.tenant}_{kind}_2")
    if kind == "member":
        session.execute(
            "CREATE TEMP TABLE few (note text CHECK (note < 'a'), region text NOT NULL);"
            "CREATE TEMP TABLE once (region text UNIQUE);"
            "CREATE TEMP TABLE parts (note text) PARTITION BY LIST (note)"
        )
    with pytest.raises(psycopg.Error) as caught:
        session.execute(query.format(t=governed.table))
    said = everything_in(caught.value)
    assert not [canary for canary in governed.canaries if canary in said]
    if kind == "agent":
        assert not re.search(r"row \d", said), said


def everything_in(error: psycopg.Error) -> str:
    fields = [name for name in dir(error.diag) if not name.startswith("_")]
    return str(error) + " ".join(str(getattr(error.diag, name)) for name in fields)


def test_i20_a_hint_names_no_hidden_column(governed: Governed, agent: Connection) -> None:
    with pytest.raises(psycopg.Error) as caught:
        agent.execute(f"SELECT secre FROM {governed.table}")
    assert caught.value.sqlstate == "42501"
    assert "secret" not in describe(caught.value)


@pytest.mark.parametrize("kind", ["member", "agent"])
@pytest.mark.parametrize(
    "query",
    [
        "SELECT count(*) FROM {t} WHERE 1 / (amount - 50) < 9",
        "SELECT count(1 / (amount - 50)) FROM {t}",
        "SELECT count(*) FROM (SELECT 1 FROM {t} ORDER BY 1 / (amount - 50)) s",
        "SELECT count(*) FROM {t} WHERE split_part(note, ' ', 2)::int < 100",
        "SELECT count(*) FROM {t} a JOIN {t} b ON 1 / (a.amount - 50) = 1 / (b.amount - 50) AND a.id = b.id",
    ],
)
def test_i20_no_error_comes_of_a_hidden_row(
    governed: Governed, new_session: NewSession, query: str, kind: str
) -> None:
    """A row of amount 50 is hidden; a number is in no hidden note."""
    session = act_as(new_session(), f"{governed.tenant}_{kind}_2")
    assert session.execute(query.format(t=governed.table)).fetchone() == (VISIBLE_ROWS,)


# I-21: CVE-2017-7486, CVE-2017-7547, CVE-2018-1058, CVE-2022-2625, CVE-2023-39417


@pytest.mark.parametrize("kind", ["admin", "member", "readonly"])
def test_i21_no_catalog_shows_a_secret_or_a_hidden_value(
    governed: Governed, new_session: NewSession, kind: str
) -> None:
    hidden = [*governed.canaries, os.environ["WAREHOUSE_TOKEN"], os.environ["WAREHOUSE_CLIENT_SECRET"]]
    reader = act_as(new_session(), f"{governed.tenant}_{kind}_2")
    readable = reader.execute(
        "SELECT c.oid::regclass::text FROM pg_class c WHERE c.relkind IN ('r', 'p', 'v', 'm') AND"
        " c.relnamespace::regnamespace::text !~ '^pg_toast' AND has_table_privilege(c.oid, 'SELECT')"
        " AND has_schema_privilege(c.relnamespace, 'USAGE')"
    ).fetchall()
    assert len(readable) > 100
    assert "pg_user_mappings" in str(readable) and "pg_foreign_server" in str(readable)
    for (name,) in readable:
        found = rows_of(reader, f"SELECT x::text FROM {name} x")
        assert not [secret for secret in hidden if secret in found.replace(name, "")], name


def test_i21_a_user_mapping_holds_nothing(governed: Governed, session: Connection) -> None:
    """There are no options to give it, so no secret can be put where some role would read it."""
    with pytest.raises(psycopg.Error) as caught:
        session.execute(
            f"CREATE USER MAPPING FOR PUBLIC SERVER {governed.tenant}_wh OPTIONS (token 'x')"
        )
    assert caught.value.sqlstate == "HV00D", describe(caught.value)


# A function for each thing that our scripts could call by a name alone, in a place searched first.
TRAPS = {
    "format": ["text, VARIADIC text[]", "text, text", "text, text, text"],
    "quote_ident": ["text", "name"],
    "quote_literal": ["text"],
    "now": [""],
    "gen_random_uuid": [""],
    "lower": ["text"],
    "length": ["text"],
    "array_position": ["text[], text"],
    "obj_description": ["oid, name"],
    "to_regnamespace": ["text"],
    "pg_extension_config_dump": ["regclass, text"],
    "current_setting": ["text", "text, boolean"],
    "set_config": ["text, text, boolean"],
}
TRAPPED_OPERATORS = {
    "=": ["text, text", "name, text", "name, name", "oid, oid", "uuid, uuid", '"char", "char"', "integer, integer"],
    "<>": ["text, text", "name, text", "uuid, uuid"],
    "||": ["text, text", "text, name", "name, text"],
    "~": ["text, text", "name, text"],
    "@>": ["text[], text[]"],
    ">": ["integer, integer", "bigint, integer"],
}  # fmt: skip


def set_traps(session: Connection, schema: str) -> None:
    body = "LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'trapped as %', current_user; END $$"
    for name, signatures in TRAPS.items():
        for arguments in signatures:
            session.execute(f"CREATE FUNCTION {schema}.{name}({arguments}) RETURNS text {body}")
    for number, (operator, signatures) in enumerate(TRAPPED_OPERATORS.items()):
        result = "text" if operator == "||" else "boolean"
        for arguments in signatures:
            left, right = arguments.split(", ")
            session.execute(f"CREATE FUNCTION {schema}.trap_{number}({arguments}) RETURNS {result} {body}")
            session.execute(
                f"CREATE OPERATOR {schema}.{operator}"
                f" (LEFTARG = {left}, RIGHTARG = {right}, FUNCTION = {schema}.trap_{number})"
            )


@pytest.fixture
def foreign_database(session: Connection) -> Iterator[tuple[Connection, str]]:
    """A database without the extension where an ordinary role may create; a superuser's session there."""
    name = "hostile_" + secrets.token_hex(4)
    session.execute(f"CREATE ROLE {name} LOGIN")
    session.execute(f"CREATE DATABASE {name}")
    session.execute(f"GRANT CREATE ON DATABASE {name} TO {name}")
    with connect(dbname=name) as owner:
        yield owner, name
    session.execute(f"DROP DATABASE {name}")
    for slug in (name, f"{name}t"):
        roles = session.execute("SELECT rolname FROM pg_roles WHERE rolname ~ %s", [f"^{slug}"])
        for (role,) in roles.fetchall():
            session.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(role)))


def test_i21_the_install_script_calls_no_one_elses_function(
    foreign_database: tuple[Connection, str],
) -> None:
    owner, name = foreign_database
    with connect(dbname=name, user=name) as mallory:
        mallory.execute("CREATE SCHEMA mine")
        set_traps(mallory, "mine")
        mallory.execute("GRANT USAGE ON SCHEMA mine TO PUBLIC")
    owner.execute("SET search_path = mine, pg_catalog")
    with pytest.raises(psycopg.Error, match="trapped"):
        owner.execute("SELECT now()")
    owner.execute("CREATE EXTENSION lakehouse")
    owner.execute(f"SELECT lakehouse.create_tenant('{name}t')")
    owner.execute(f"SELECT lakehouse.create_user('{name}t', 'a@x.example', 'A', 'agent')")
    owner.execute(f"SELECT lakehouse.load_sample_crm('{name}t')")
    owner.execute(f"UPDATE {name}t.opportunities SET stage = 'Proposal'")
    owner.execute(f"SELECT lakehouse.drop_tenant('{name}t')")


def test_i21_nothing_is_installed_into_a_schema_of_another(
    foreign_database: tuple[Connection, str],
) -> None:
    owner, name = foreign_database
    owner.execute(f"CREATE SCHEMA lakehouse AUTHORIZATION {name}")
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="belongs to a role"):
        owner.execute("CREATE EXTENSION lakehouse")
    owner.execute("ALTER SCHEMA lakehouse OWNER TO CURRENT_USER")
    owner.execute("CREATE EXTENSION lakehouse")


# I-22: CVE-2025-1094, CVE-2025-4207

INVALID = {"cut": b"\xe3\x81", "lone": b"\xff", "overlong": b"\xc0\xa7", "surrogate": b"\xed\xa0\x80", "zero": b"a\x80"}
INPUTS = [
    b"SELECT '%s'",
    b"SELECT '%s",
    b"SELECT $$%s$$",
    b'SELECT 1 AS "%s"',
    b'SELECT 1 FROM "%s"',
    b"SELECT E'\\\\%s'",
    b"SELECT 1 /* %s",
    b"SELECT 1 -- %s",
    b"%s",
]


@pytest.mark.parametrize("kind", ["member", "agent"])
@pytest.mark.parametrize("name", INVALID)
@pytest.mark.parametrize("text", INPUTS)
def test_i22_an_invalid_character_ends_in_an_error(
    governed: Governed, new_session: NewSession, text: bytes, name: str, kind: str
) -> None:
    session = act_as(new_session(), f"{governed.tenant}_{kind}_2")
    result = session.pgconn.exec_(text % INVALID[name])
    assert result.error_field(psycopg.pq.DiagnosticField.SQLSTATE) == b"22021", result.error_message
    assert session.execute("SELECT 1").fetchone() == (1,)


@pytest.mark.parametrize("name", INVALID)
@pytest.mark.parametrize(
    "call",
    [
        "lakehouse.explain_guard($1)",
        "lakehouse.expose($1, '{t}'::regclass)",
        "lakehouse.expose('{s}', '{t}'::regclass, ARRAY[$1])",
        "lakehouse.expose('{s}', '{t}'::regclass, NULL, $1)",
        "lakehouse.expose('{s}', '{t}'::regclass, description => $1)",
        "lakehouse.create_tenant($1)",
        "lakehouse.create_user('{s}', $1, $1, 'agent')",
        "lakehouse.verify_audit($1)",
    ],
)
def test_i22_no_function_takes_an_invalid_character(
    governed: Governed, session: Connection, call: str, name: str
) -> None:
    text = "SELECT " + call.format(s=governed.tenant, t=governed.table)
    result = session.pgconn.exec_params(text.encode(), [INVALID[name]], [25])
    assert result.error_field(psycopg.pq.DiagnosticField.SQLSTATE) == b"22021", result.error_message


# In these encodings a character can end with the byte of a backslash or a letter.
@pytest.mark.parametrize(
    ("encoding", "text", "code"),
    [
        ("SJIS", b"SELECT '\x95\x5c'; DELETE FROM x -- '", b"MULTI_STATEMENT"),
        ("SJIS", b"SELECT E'\x95\x5c'; DELETE FROM x -- '", b"MULTI_STATEMENT"),
        ("BIG5", b"SELECT E'\xa5\x5c'; DELETE FROM x -- '", b"MULTI_STATEMENT"),
        ("GBK", b"SELECT E'\xbf\x5c'; DELETE FROM x -- '", b"MULTI_STATEMENT"),
        ("GB18030", b"SELECT 1 AS \"\xbf\x5c\"; DELETE FROM x", b"MULTI_STATEMENT"),
        ("GBK", b"SELECT '\xbf'; DELETE FROM x -- '", b"has no equivalent"),
        ("SQL_ASCII", b"SELECT '\xbf'; DELETE FROM x -- '", b"invalid byte sequence"),
    ],
)
def test_i22_a_clients_encoding_hides_no_statement(
    governed: Governed, new_session: NewSession, encoding: str, text: bytes, code: bytes
) -> None:
    session = new_session(client_encoding=encoding)
    act_as(session, f"{governed.tenant}_agent_2")
    result = session.pgconn.exec_(text)
    assert code in result.error_message, result.error_message


@pytest.mark.parametrize("cap", [2**31 - 1, 2**31, 2**32, 2**32 + 1, 2**63 - 1])
def test_i22_a_huge_cap_is_no_small_or_negative_one(
    governed: Governed, session: Connection, agent: Connection, cap: int
) -> None:
    session.execute(
        f"UPDATE {governed.tenant}.data_sources SET max_rows = %s, max_bytes = %s", [cap, cap]
    )
    try:
        for limit in (cap, 2**63 - 1):
            rows = agent.execute(f"SELECT note FROM {governed.table} LIMIT {limit}").fetchall()
            assert len(rows) == VISIBLE_ROWS
        many = "SELECT 1 FROM generate_series(1, 1000) LIMIT {}"
        assert len(agent.execute(many.format(cap)).fetchall()) == 200
    finally:
        session.execute(
            f"UPDATE {governed.tenant}.data_sources SET max_rows = NULL, max_bytes = NULL"
        )


@pytest.mark.parametrize("filler", ["/* {} */", "'{}'", "$${}$$", '"{}"', "-- {}\n"])
def test_i22_an_agents_text_is_bounded(governed: Governed, agent: Connection, filler: str) -> None:
    text = f"SELECT count(*) FROM {governed.table} " + filler.format("x" * (1 << 20))
    result = agent.pgconn.exec_(text.encode())
    said = result.error_message.decode()
    assert "longer than 1048576 bytes" in said or "syntax error" in said, said[:300]


def test_i22_a_long_text_is_recorded_without_its_constants(
    governed: Governed, session: Connection, member: Connection
) -> None:
    constant = "0123456789" * (1 << 17)
    member.execute(f"SELECT count(*) FROM {governed.table} WHERE note IN ('a', '{constant}')")
    member.execute(f"SELECT /* {constant} */ count(*) FROM {governed.table}")
    texts = session.execute(
        "SELECT DISTINCT statement FROM lakehouse.audit_log WHERE role = %s AND octet_length(statement) < 200",
        [f"{governed.tenant}_member_2"],
    ).fetchall()
    table = governed.table
    assert (f"SELECT count(*) FROM {table} WHERE note IN ($1,",) in [(t.rstrip(),) for (t,) in texts]
    assert ("SELECT",) in [(t.rstrip(),) for (t,) in texts]
    assert "0123" not in str(texts)


# I-23: CVE-2018-1058; what everybody's queries run must not depend on the caller's names


@pytest.mark.parametrize("kind", ["admin", "member", "agent"])
def test_i23_objects_in_the_search_path_are_not_called(
    governed: Governed, new_session: NewSession, kind: str
) -> None:
    schema = "traps_" + secrets.token_hex(4)
    hostile = new_session()
    hostile.execute(f"CREATE SCHEMA {schema}")
    hostile.execute(f"GRANT USAGE ON SCHEMA {schema} TO PUBLIC")
    set_traps(hostile, schema)
    try:
        session = new_session()  # it has no policy cached yet
        session.execute(f"SET search_path = {schema}, pg_catalog")
        act_as(session, f"{governed.tenant}_{kind}_2")
        query = f"SELECT count(*) FROM {governed.table}"
        assert session.execute(query).fetchone() == (VISIBLE_ROWS,)
        assert not_trapped(session, f"SELECT secret FROM {governed.table}")
        assert not_trapped(session, f"SELECT 1 FROM {governed.tenant}.nosuch")
        hostile.execute(f"SET search_path = {schema}, pg_catalog")
        expose(hostile, governed.tenant)
        assert session.execute(query).fetchone() == (VISIBLE_ROWS,)
        hostile.execute("RESET search_path")
    finally:
        hostile.execute(f"DROP SCHEMA {schema} CASCADE")


def test_i23_a_temporary_table_stands_in_for_no_catalog(
    governed: Governed, new_session: NewSession
) -> None:
    session = act_as(new_session(), f"{governed.tenant}_member_2")
    session.execute("CREATE TEMP TABLE pg_class (LIKE pg_catalog.pg_class)")
    query = f"SELECT count(*) FROM {governed.table}"
    assert session.execute(query).fetchone() == (VISIBLE_ROWS,)


def not_trapped(session: Connection, query: str) -> bool:
    with pytest.raises(psycopg.Error) as caught:
        session.execute(query)
    return "trapped" not in str(caught.value)
