# SPDX-License-Identifier: PostgreSQL
"""Ways into a governed table, and what lies behind them: the two sides of the guard's matrix."""

from __future__ import annotations

from dataclasses import dataclass, field

WRITE, TABLE, COLUMN, FUNCTION = (
    "DML_FORBIDDEN",
    "TABLE_NOT_ALLOW_LISTED",
    "COLUMN_NOT_ALLOW_LISTED",
    "FUNCTION_NOT_ALLOW_LISTED",
)
TYPE, DDL, STATEMENT = "TYPE_NOT_ALLOW_LISTED", "DDL_FORBIDDEN", "STATEMENT_NOT_ALLOWED"


@dataclass(frozen=True)
class Target:
    """Something hidden: a query of one text column that would show it."""

    read: str
    code: str | None  # None: no refusal, but nothing hidden may show
    table: str | None  # where the whole table shows it too


# {s}: the tenant's schema. Roles have SELECT on both tables whole: the guard alone stands between.
TARGETS = {
    "table": Target("SELECT note FROM {s}.ledger", TABLE, "{s}.ledger"),
    "column": Target("SELECT secret FROM {s}.sales", COLUMN, "{s}.sales"),
    "row": Target("SELECT note FROM {s}.sales", None, None),
    "function": Target("SELECT {s}.leak()", FUNCTION, None),
}


@dataclass(frozen=True)
class Way:
    """Statements that run a target's `read`; what they show is in their results and notices."""

    statements: list[str]  # {r}: read; {t}: table; {w}: schema of what `make` made
    make: list[str] = field(default_factory=list)  # sent by a superuser before
    undo: list[str] = field(default_factory=list)
    before: list[str] = field(default_factory=list)  # settings that a superuser makes
    agent: str | None = None  # the code where the way itself is closed to agents
    member: str | None = None  # the same for everybody
    shows: str = "row 1"  # of the visible data; "": none comes out
    times: int = 1
    parameters: list[object] | None = None  # given: by the extended protocol, prepared
    fast_path: str | None = None  # a function to call so, instead of a statement

    def needs_table(self) -> bool:
        return "{t}" in " ".join([*self.statements, *self.make])


def function(body: str, head: str) -> list[str]:
    """{w}.f(): it runs with its caller's rights."""
    return [f"CREATE FUNCTION {{w}}.f() RETURNS {head} AS $$ {body} $$"]


FORCE_PARALLEL = (
    "SELECT set_config(name, 'on', false) FROM pg_settings"
    " WHERE name IN ('force_parallel_mode', 'debug_parallel_query')"
)
ALL_IN_ONE = "SELECT string_agg(x, ',') FROM ({r}) AS r(x)"
TELL = "BEGIN FOR x IN {r} LOOP RAISE NOTICE '%', x; END LOOP;"

WAYS = {
    "select": Way(["{r}"]),
    "table command": Way(["TABLE {t}"]),
    "values": Way(["VALUES ((" + ALL_IN_ONE + "))"]),
    "set operation": Way(["SELECT 'x' UNION ALL ({r})"]),
    "sub-select in from": Way(["SELECT x FROM ({r}) AS r(x)"]),
    "select into": Way(
        ["SELECT x INTO TEMP c FROM ({r}) AS r(x)", "TABLE c"], agent=DDL
    ),
    "create table as": Way(["CREATE TEMP TABLE c AS {r}", "TABLE c"], agent=DDL),
    "insert": Way(
        ["INSERT INTO {w}.sink {r}", "TABLE {w}.sink"],
        make=["CREATE TABLE {w}.sink (x text)", "GRANT ALL ON {w}.sink TO PUBLIC"],
        agent=WRITE,
    ),
    "modifying cte": Way(
        ["WITH d AS (INSERT INTO {w}.sink {r} RETURNING x) SELECT x FROM d"],
        make=["CREATE TABLE {w}.sink (x text)", "GRANT ALL ON {w}.sink TO PUBLIC"],
        agent=WRITE,
    ),
    "modifying cte on it": Way(
        ["WITH d AS (DELETE FROM {s}.sales RETURNING note) {r}"],
        make=["GRANT DELETE ON {s}.sales TO {s}_member, {s}_agent"],
        agent=WRITE,
        member=WRITE,
    ),
    "for update": Way(["{r} FOR UPDATE"], agent=WRITE, member=WRITE),
    "for share below": Way(
        ["SELECT x FROM ({r} FOR SHARE) AS r(x)"], agent=WRITE, member=WRITE
    ),
    "copy table": Way(["COPY {t} TO STDOUT"], agent=STATEMENT, member="cannot copy"),
    "copy query": Way(["COPY ({r}) TO STDOUT"], agent=STATEMENT),
    "cursor": Way(
        ["BEGIN", "DECLARE c CURSOR FOR {r}", "FETCH ALL FROM c"], agent=STATEMENT
    ),
    "held cursor": Way(
        ["DECLARE c CURSOR WITH HOLD FOR {r}", "FETCH ALL FROM c"], agent=STATEMENT
    ),
    "explain": Way(["EXPLAIN (VERBOSE) {r}"], agent=STATEMENT, shows=""),
    "explain analyze": Way(
        ["EXPLAIN (ANALYZE, VERBOSE) {r}"], agent=STATEMENT, shows=""
    ),
    "prepare": Way(["PREPARE p AS {r}", *["EXECUTE p"] * 7], agent=STATEMENT),
    "protocol": Way(["{r}"], times=7, parameters=[]),
    "protocol with parameters": Way(
        ["SELECT x FROM ({r}) AS r(x) WHERE length(x) > %s"], times=7, parameters=[0]
    ),
    "plpgsql": Way(
        ["SELECT {w}.f()"],
        make=function("BEGIN RETURN QUERY {r}; END", "SETOF text LANGUAGE plpgsql"),
        agent=FUNCTION,
        times=7,
    ),
    "plpgsql execute": Way(
        ["SELECT {w}.f()"],
        make=function(
            "BEGIN RETURN QUERY EXECUTE $x$ {r} $x$; END", "SETOF text LANGUAGE plpgsql"
        ),
        agent=FUNCTION,
    ),
    "sql set function": Way(
        ["SELECT f FROM {w}.f()"],
        make=function("{r}", "SETOF text LANGUAGE sql STABLE"),
        agent=FUNCTION,
        times=7,
    ),
    "sql scalar function": Way(
        ["SELECT {w}.f()"],
        make=function(ALL_IN_ONE, "text LANGUAGE sql STABLE"),
        agent=FUNCTION,
    ),
    "sql-standard body": Way(
        ["SELECT f FROM {w}.f()"],
        make=[
            "CREATE FUNCTION {w}.f() RETURNS SETOF text STABLE BEGIN ATOMIC {r}; END"
        ],
        agent=FUNCTION,
    ),
    "query_to_xml": Way(
        ["SELECT query_to_xml($$ {r} $$, true, false, '')"], agent=FUNCTION
    ),
    "table_to_xml": Way(
        ["SELECT table_to_xml('{t}', true, false, '')"], agent=FUNCTION
    ),
    "ts_stat": Way(
        [
            "SELECT word FROM ts_stat($$ SELECT to_tsvector('simple', x) FROM ({r}) AS r(x) $$)"
        ],
        agent=FUNCTION,
        shows="'39'",
    ),
    "do": Way(
        [f"DO $$ DECLARE x text; {TELL} END $$"],
        agent=STATEMENT,
    ),
    "call": Way(
        ["CALL {w}.p()"],
        make=[
            "CREATE PROCEDURE {w}.p() LANGUAGE plpgsql AS $$ DECLARE x text; "
            + TELL
            + " END $$"
        ],
        agent=STATEMENT,
    ),
    "fast path": Way(
        [],
        make=function(ALL_IN_ONE, "text LANGUAGE sql STABLE"),
        agent=FUNCTION,
        fast_path="{w}.f()",
    ),
    "domain check": Way(
        ["SELECT 'x'::{w}.d"],
        make=[
            *function(
                "DECLARE x text; " + TELL + " RETURN true; END",
                "boolean LANGUAGE plpgsql",
            ),
            "CREATE DOMAIN {w}.d AS text CHECK ({w}.f())",
        ],
        agent=TYPE,
    ),
    "column default": Way(
        ["INSERT INTO {w}.d DEFAULT VALUES RETURNING x"],
        make=[
            *function(ALL_IN_ONE, "text LANGUAGE sql STABLE"),
            "CREATE TABLE {w}.d (x text DEFAULT {w}.f())",
            "GRANT ALL ON {w}.d TO PUBLIC",
        ],
        agent=WRITE,
    ),
    "operator": Way(
        ["SELECT 1 OPERATOR({w}.!!!) 2"],
        make=[
            "CREATE FUNCTION {w}.f(int, int) RETURNS text LANGUAGE sql STABLE AS"
            " $$ " + ALL_IN_ONE + " $$",
            "CREATE OPERATOR {w}.!!! (LEFTARG = int, RIGHTARG = int, FUNCTION = {w}.f)",
        ],
        agent=FUNCTION,
    ),
    "view": Way(
        ["TABLE {w}.v"],
        make=["CREATE VIEW {w}.v AS {r}", "GRANT SELECT ON {w}.v TO PUBLIC"],
        agent=TABLE,
    ),
    "view of the caller's rights": Way(
        ["TABLE {w}.v"],
        make=[
            "CREATE VIEW {w}.v WITH (security_invoker) AS {r}",
            "GRANT SELECT ON {w}.v TO PUBLIC",
        ],
        agent=TABLE,
    ),
    "parent table": Way(
        ["SELECT note FROM {w}.parent"],
        make=[
            "CREATE TABLE {w}.parent (note text)",
            "GRANT SELECT ON {w}.parent TO PUBLIC",
            "ALTER FOREIGN TABLE {t} INHERIT {w}.parent",
        ],
        undo=["ALTER FOREIGN TABLE {t} NO INHERIT {w}.parent"],
        agent=TABLE,
        member=TABLE,
    ),
    "parallel worker": Way(
        ["SELECT {w}.f() FROM {w}.n"],
        make=[
            *function(
                f"BEGIN RETURN ({ALL_IN_ONE}); END",
                "text LANGUAGE plpgsql STABLE PARALLEL SAFE",
            ),
            "CREATE TABLE {w}.n AS SELECT 1 AS n",
            "GRANT SELECT ON {w}.n TO PUBLIC",
        ],
        before=[FORCE_PARALLEL],
        agent=FUNCTION,
    ),
}
