# SPDX-License-Identifier: PostgreSQL
"""What drawn SELECTs are made of: calls by the kind of their value, and flaws to be refused.

In a template `{text}` stands for any expression of that kind. Nothing here raises but RAISING, and
nothing depends on the order of rows, on the clock or on chance: two roles with the same rows must
have the same answer.
"""

from __future__ import annotations

from dataclasses import dataclass

TYPES = {
    "text": "text",
    "integer": "integer",
    "bigint": "bigint",
    "numeric": "numeric",
    "double": "double precision",
    "boolean": "boolean",
    "date": "date",
    "moment": "timestamptz",
}

CALLS: dict[str, tuple[str, ...]] = {
    "text": (
        *("upper({text})", "lower({text})", "left({text}, 4)", "substr({text}, 2, 3)"),
        *("reverse({text})", "md5({text})", "initcap({text})", "btrim({text}, 'ae')"),
        *("replace({text}, 'a', '--')", "translate({text}, 'aei', '431')", "{text} || {text}"),
        *("concat({text}, {integer})", "concat_ws('/', {text}, {date}, {text})"),
        *("coalesce({text}, 'none')", "nullif({text}, 'EU')", "greatest({text}, {text})"),
        *("lpad({text}, 9, '.')", "repeat(left({text}, 50), 2)", "split_part({text}, ' ', 1)"),
        *("regexp_replace({text}, '[0-9]+', '#')", "substring({text} FROM '[a-z]+')"),
        *("to_char({date}, 'YYYY-MM')", "to_char({integer}, '99990')", "{integer}::text"),
        *("{date}::text", "{boolean}::text", "(ARRAY[{text}, {text}])[2]", "{text}::varchar(5)"),
        "jsonb_build_object('k', {text}) ->> 'k'",
        "to_jsonb({text})::text",
        "encode(sha256({text}::bytea), 'hex')",
        "array_to_string(ARRAY[{text}, {text}], '+', '?')",
        "CASE WHEN {boolean} THEN {text} WHEN {boolean} THEN {text} ELSE {text} END",
        "CASE {integer} WHEN 1 THEN {text} END",
    ),
    "integer": (
        *("length({text})", "octet_length({text})", "abs({integer})", "{integer} % 7"),
        *("{integer} + {integer}", "{integer} - {integer}", "-({integer})", "{date} - {date}"),
        *("coalesce({integer}, -1)", "nullif({integer}, 1)", "least({integer}, {integer})"),
        *("strpos({text}, 'a')", "cardinality(string_to_array({text}, ' '))", "{integer} / 3"),
        *("extract(year FROM {date})::integer", "sign({numeric})::integer", "{boolean}::integer"),
        *("width_bucket({numeric}, -50, 150, 7)", "({text} COLLATE \"C\" > 'b')::integer"),
        "CASE WHEN {boolean} THEN {integer} ELSE {integer} END",
    ),
    "bigint": (
        *("{integer}::bigint", "coalesce({bigint}, 0)", "{bigint} + {integer}", "{bigint} % 5"),
        *("{integer}::bigint * {integer}", "greatest({bigint}, {integer})", "{bigint} & 6"),
    ),
    "numeric": (
        *("round({numeric}, 1)", "floor({numeric})", "abs({numeric})", "{numeric} + {numeric}"),
        *("{numeric} * 1.5", "{numeric} - {integer}", "coalesce({numeric}, 0)", "ceil({numeric})"),
        *("trunc({numeric}, 1)", "extract(epoch FROM {moment})", "{bigint}::numeric"),
        *("{numeric} / nullif({numeric}, 0)", "round({double}::numeric, 2)"),
        "CASE WHEN {boolean} THEN {numeric} END",
    ),
    # Sums of quarters are exact, whatever their order.
    "double": (
        *("{double} + 0.25", "{double} * 2", "abs({double})", "coalesce({double}, 0)"),
        *("floor({double})", "{integer}::double precision", "greatest({double}, 0.5)"),
    ),
    "boolean": (
        *("{text} LIKE '%a%'", "{text} ~ '^[A-Z]'", "starts_with({text}, 'p')", "{text} IS NULL"),
        *("{integer} > {integer}", "{numeric} <= {numeric}", "{date} < {date}", "{text} = {text}"),
        *("{moment} > {date}", "{text} IS DISTINCT FROM {text}", "{integer} IN (1, 2, NULL)"),
        "{integer} = ANY (ARRAY[{integer}, {integer}])",
        "{text} = ANY (string_to_array({text}, ' '))",
        "({integer}, {text}) < ({integer}, {text})",
        "({text}, {integer}) IN ((NULL, 1), ('EU', 2))",
        *("num_nulls({text}, {date}) = 1", "int4range(0, 5) @> {integer}", "NOT ({boolean})"),
        "({date}, {date}) OVERLAPS ({date}, {date})",
        "{numeric} BETWEEN {numeric} AND {integer}",
        *("{boolean} AND {boolean}", "{boolean} OR {boolean}", "({boolean}) IS NOT TRUE"),
        "ROW({text}, {integer}) IS NOT NULL",
        "to_tsvector('simple', {text}) @@ to_tsquery('simple', 'plain | late')",
    ),
    "date": (
        *("{date} + {integer} % 100", "{date} - 3", "coalesce({date}, '2000-01-01')"),
        *("date_trunc('month', {date})::date", "{moment}::date", "greatest({date}, {date})"),
        *("make_date(2020, abs({integer} % 12) + 1, 1)", "({date} + interval '1 month')::date"),
    ),
    "moment": (
        "date_trunc('hour', {moment})",
        "{moment} + interval '90 minutes'",
        "{date}::timestamptz",
        "coalesce({moment}, '2000-01-01 00:00:00Z')",
        "date_bin('1 day', {moment}, '2001-01-01Z')",
    ),
}

AGGREGATES: dict[str, tuple[str, ...]] = {
    "text": (
        *("max({text})", "min({text})", "string_agg({text}, ',' ORDER BY {same} DESC)"),
        "string_agg(DISTINCT {text}, '+')",
        "array_to_string(array_agg({text} ORDER BY {same}), '/', '?')",
        *("jsonb_agg({text} ORDER BY {same})::text", "mode() WITHIN GROUP (ORDER BY {text})"),
        "percentile_disc(0.5) WITHIN GROUP (ORDER BY {text})",
    ),
    "integer": (
        *("max({integer})", "min({integer})", "bit_or({integer})", "count(*)::integer"),
        "percentile_disc(0.25) WITHIN GROUP (ORDER BY {integer})",
        "cardinality(array_agg({text}))",
    ),
    "bigint": (
        *("count(*)", "count({text})", "count(DISTINCT {integer})", "sum({integer})"),
        "count(DISTINCT ({text}, {integer}))",
        "max({bigint})",
        "regr_count({double}, {integer})",
        "rank(3) WITHIN GROUP (ORDER BY {integer})",
    ),
    "numeric": (
        *("sum({numeric})", "avg({numeric})", "max({numeric})", "avg({integer})"),
        *("stddev_samp({numeric})", "var_pop({integer})", "sum(DISTINCT {numeric})"),
    ),
    "double": (
        *("sum({double})", "max({double})", "avg({double})"),
        "percentile_cont(0.5) WITHIN GROUP (ORDER BY {double})",
    ),
    "boolean": ("bool_and({boolean})", "bool_or({boolean})", "every({boolean})", "count(*) > 2"),
    "date": ("max({date})", "min({date})", "percentile_disc(0.9) WITHIN GROUP (ORDER BY {date})"),
    "moment": ("max({moment})", "min({moment})"),
}

# Rows that tie have the same value, so any rows will do.
PEER_WINDOWS: dict[str, tuple[str, ...]] = {
    "text": ("max({text})", "min({text})"),
    "integer": ("max({integer})", "min({integer})"),
    "bigint": ("count(*)", "rank()", "dense_rank()", "sum({integer})", "count({text})"),
    "numeric": ("sum({numeric})", "avg({integer})"),
    "double": ("cume_dist()", "sum({double})", "max({double})"),
    "boolean": ("bool_or({boolean})",),
    "date": ("max({date})",),
    "moment": ("min({moment})",),
}
# The order must be total.
ROW_WINDOWS: dict[str, tuple[str, ...]] = {
    "text": (
        "lag({text})",
        "lead({text}, 2, 'none')",
        "first_value({text})",
        "nth_value({text}, 2)",
    ),
    "integer": ("lag({integer})", "ntile(3)", "last_value({integer})"),
    "bigint": ("row_number()",),
    "numeric": ("lead({numeric})", "sum({numeric})"),
    "double": ("percent_rank()", "lag({double})"),
    "boolean": ("lag({boolean})",),
    "date": ("first_value({date})",),
    "moment": ("lag({moment})",),
}
FRAMES = (
    *("", "ROWS UNBOUNDED PRECEDING", "ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING"),
    *(
        "GROUPS BETWEEN 1 PRECEDING AND CURRENT ROW",
        "ROWS BETWEEN UNBOUNDED PRECEDING AND 1 FOLLOWING",
    ),
    "RANGE BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING EXCLUDE CURRENT ROW",
)

# How a text that must not be read gets into a place of another kind.
FROM_TEXT = {
    "text": "({})",
    "integer": "length({})",
    "bigint": "length({})::bigint",
    "numeric": "length({})::numeric",
    "double": "length({})::double precision",
    "boolean": "(({}) IS NOT NULL)",
    "date": "(date '2024-01-01' + length({}))",
    "moment": "(timestamptz '2024-01-01Z' + length({}) * interval '1 day')",
}


@dataclass(frozen=True)
class Flaw:
    """A reason to refuse a query: by one of these codes, or none where members may."""

    name: str
    agent: tuple[str, ...]
    member: tuple[str, ...]
    texts: tuple[str, ...]  # {alias}, {hidden}: a relation and one of its hidden columns


_TABLE, _COLUMN = ("TABLE_NOT_ALLOW_LISTED",), ("COLUMN_NOT_ALLOW_LISTED",)
_FUNCTION, _COMPLEX = ("FUNCTION_NOT_ALLOW_LISTED",), ("QUERY_TOO_COMPLEX",)
_TYPE = ("TYPE_NOT_ALLOW_LISTED", "FUNCTION_NOT_ALLOW_LISTED")

HIDDEN_COLUMN = Flaw("hidden column", _COLUMN, _COLUMN, ("{alias}.{hidden}::text",))
WHOLE_ROW = Flaw(
    *("whole row", _COLUMN, _COLUMN),
    (
        "{alias}::text",
        "to_json({alias})::text",
        "({alias} IS NULL)::text",
        "({alias}).{hidden}::text",
        *("(ARRAY[{alias}])[1]::text", "({alias} = {alias})::text", "concat({alias})"),
        *("({alias}).{key}::text", "coalesce({alias})::text"),
    ),
)
CRM_ROW = Flaw(
    "whole row of the CRM", _COLUMN, (), ("to_json({alias})::text", "({alias} IS NULL)::text")
)
SYSTEM_COLUMN = Flaw(
    *("system column", _COLUMN, _COLUMN),
    (
        "{alias}.tableoid::text",
        "{alias}.ctid::text",
        "{alias}.xmin::text",
        "({alias}.tableoid = 1)::text",
    ),
)
HIDDEN_TABLE = Flaw(
    *("hidden table", _TABLE, _TABLE),
    (
        *("(SELECT max(person) FROM payroll)", "(SELECT count(*)::text FROM payroll)"),
        "EXISTS (SELECT FROM payroll p WHERE p.salary > 7)::text",
    ),
)
DENIED_FUNCTION = Flaw(
    *("denied function", _FUNCTION, ()),
    (
        *("quote_literal({text})", "format('%s', {text})", "quote_nullable({text})"),
        *("(hashtext({text}) IS NULL)::text", "(factorial(4) + 1)::text", "(random() < 2)::text"),
        *("(pg_backend_pid() > 0)::text", "(clock_timestamp() > date '2020-01-01')::text"),
        "current_setting('max_connections')",
        "(current_user IS NULL)::text",
        "(version() > 'P')::text",
        *("has_table_privilege('pg_class', 'SELECT')::text", "(txid_current() > 0)::text"),
        *("array_fill({integer}, ARRAY[2])::text", "convert_from({text}::bytea, 'UTF8')"),
        *("jsonb_path_exists(to_jsonb({text}), '$')::text", "gcd({integer}::numeric, 4)::text"),
        "(gen_random_uuid() IS NULL)::text",
    ),
)
DENIED_TYPE = Flaw(
    *("denied type", _TYPE, ()),
    (
        *("'(1,2)'::point::text", "'10.0.0.1'::inet::text", "B'101'::text", "'12'::money::text"),
        *("'pg_class'::regclass::text", "(1::oid = 2::oid)::text", "'<a/>'::xml::text"),
        *("(ARRAY[1::oid])::text", "'{[1,2)}'::int4multirange::text"),
    ),
)
BIG_ARGUMENT = Flaw(
    *("big argument", _COMPLEX, ()),
    (
        *("left(repeat('x', 1001), 2)", "(SELECT generate_series(1, 1000002)::text LIMIT 1)"),
        "left(lpad({text}, 10001), 3)",
    ),
)
# These stand in place of a relation or around the query, not of a value.
STAR = Flaw(
    *("star", _COLUMN, _COLUMN),
    (
        *("(SELECT * FROM {table}) {alias}", "(SELECT x.* FROM {table} x) {alias}"),
        *("(TABLE {table}) {alias}", "(SELECT x.id FROM {table} x NATURAL JOIN {table} y) {alias}"),
        "(SELECT z.id FROM (SELECT * FROM {table}) z) {alias}",
        "(SELECT id FROM {table} x JOIN {table} y USING (id, {hidden})) {alias}",
        "(SELECT j.{hidden} FROM ({table} x CROSS JOIN places y) j) {alias}",
        "(SELECT j::text FROM ({table} x CROSS JOIN places y) j) {alias}",
        "(SELECT {hidden} FROM {table} x LEFT JOIN places y ON true) {alias}",
        "(SELECT id FROM {table} ORDER BY {hidden} LIMIT 3) {alias}",
        "(SELECT 1 FROM {table} GROUP BY {hidden}) {alias}",
        "(SELECT count(*) OVER w FROM {table} WINDOW w AS (PARTITION BY {hidden})) {alias}",
        "(SELECT DISTINCT ON ({hidden}) id FROM {table}) {alias}",
        "(WITH unused AS (SELECT {hidden} FROM {table}) SELECT 1) {alias}",
        "(SELECT 1 WHERE false AND EXISTS (SELECT FROM {table} WHERE {hidden} IS NULL)) {alias}",
        "(SELECT count(*) FILTER (WHERE {hidden} IS NULL) FROM {table}) {alias}",
    ),
)
_DML, _LOCKS = ("DML_FORBIDDEN",), ("FOR UPDATE", "FOR SHARE")
LOCK = Flaw("lock", _DML, _DML, _LOCKS)
CRM_LOCK = Flaw("lock of the CRM", _DML, (), _LOCKS)
RECURSION = Flaw(
    *("recursion", _COMPLEX, ()),
    (
        "WITH RECURSIVE steps AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM steps WHERE n < 4)"
        " {query}",
    ),
)

VALUE_FLAWS = (
    *(HIDDEN_COLUMN, HIDDEN_COLUMN, HIDDEN_COLUMN, WHOLE_ROW, WHOLE_ROW, SYSTEM_COLUMN),
    *(CRM_ROW, HIDDEN_TABLE, DENIED_FUNCTION, DENIED_FUNCTION, DENIED_TYPE, BIG_ARGUMENT),
)
FLAWS = (*VALUE_FLAWS, STAR, STAR, LOCK, CRM_LOCK, RECURSION)

# Each raises for some row that a query of all visible ones must compute.
RAISING = (
    *("10 / (a1.id - a1.id)::integer", "sqrt(-1 - abs(a1.weight))::integer", "a1.note::integer"),
    *(
        "a1.note::date - a1.sold_on",
        "(a1.id + 9223372036854775807)::integer",
        "(a1.id * 100000)::smallint",
    ),
    *(
        "(SELECT b1.id FROM sales b1)::integer",
        "length(substr(a1.region, 1, -1))",
        "exp(1000.0 + a1.id)::integer",
    ),
    *("make_date(2020, 13 + a1.id::integer, 1) - a1.sold_on", "a1.region::numeric::integer"),
    *(
        "(a1.note::json ->> 'a')::integer",
        "chr(0 * a1.id::integer)::integer",
        "ln(0 * a1.weight)::integer",
    ),
)
