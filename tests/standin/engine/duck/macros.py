# SPDX-License-Identifier: PostgreSQL
"""SQL macros that give DuckDB Spark's behaviour where a plain translation would differ.

Each macro is pure SQL, so that a result of gigabytes is rendered without Python touching a row.
"""

from __future__ import annotations

_DIVIDE_BY_ZERO = (
    "[DIVIDE_BY_ZERO] Division by zero. Use `try_divide` to tolerate divisor being 0 and return "
    'NULL instead. If necessary set "ansi_mode" to "false" to bypass this error. SQLSTATE: 22012'
)

_REMAINDER_BY_ZERO = (
    "[REMAINDER_BY_ZERO] Remainder by zero. Use `try_mod` to tolerate divisor being 0 and return "
    'NULL instead. If necessary set "ansi_mode" to "false" to bypass this error. SQLSTATE: 22012'
)

_MALFORMED = (
    "'[CAST_INVALID_INPUT] The value ''' || x || ''' of the type \"STRING\" cannot be cast to \"'"
    " || target || '\" because it is malformed. Correct the value as per the syntax, or change "
    "its target type. Use `try_cast` to tolerate malformed input and return NULL instead. "
    "SQLSTATE: 22018'"
)

_BAD_INDEX = (
    "'[INVALID_ARRAY_INDEX] The index ' || CAST(shown AS VARCHAR) || ' is out of bounds. The array"
    " has ' || CAST(len(l) AS VARCHAR) || ' elements. Use the SQL function `get()` to tolerate "
    "accessing element at invalid index and return NULL instead. SQLSTATE: 22003'"
)

MACROS: tuple[str, ...] = (
    # Java prints a double in [1e-3, 1e7) plainly and everything else as d.dddE<exponent>.
    "spark_exponent(a) AS CASE"
    " WHEN contains(a, 'e') THEN CAST(split_part(a, 'e', 2) AS INTEGER)"
    " WHEN NOT starts_with(a, '0.') THEN length(split_part(a, '.', 1)) - 1"
    " ELSE length(ltrim(split_part(a, '.', 2), '0')) - length(split_part(a, '.', 2)) - 1 END",
    "spark_digits(a) AS rtrim(ltrim(replace(split_part(a, 'e', 1), '.', ''), '0'), '0')",
    "spark_scientific(a) AS substr(spark_digits(a), 1, 1) || '.'"
    " || CASE WHEN length(spark_digits(a)) > 1 THEN substr(spark_digits(a), 2) ELSE '0' END"
    " || 'E' || CAST(spark_exponent(a) AS VARCHAR)",
    "spark_special(t) AS CASE t WHEN 'nan' THEN 'NaN' WHEN '-nan' THEN 'NaN'"
    " WHEN 'inf' THEN 'Infinity' WHEN '-inf' THEN '-Infinity'"
    " WHEN '5e-324' THEN '4.9E-324' WHEN '-5e-324' THEN '-4.9E-324'"
    " WHEN '1e-45' THEN '1.4E-45' WHEN '-1e-45' THEN '-1.4E-45'"
    " ELSE CASE WHEN starts_with(t, '-') THEN '-' || spark_scientific(substr(t, 2))"
    " ELSE spark_scientific(t) END END",
    "spark_double(x) AS CASE"
    " WHEN x = 0 OR (abs(x) >= 1e-3 AND abs(x) < 1e7) THEN CAST(x AS VARCHAR)"
    " ELSE spark_special(CAST(x AS VARCHAR)) END",
    "spark_year(y) AS CASE WHEN y < 0 THEN '-' WHEN y > 9999 THEN '+' ELSE '' END"
    " || CASE WHEN abs(y) < 10000 THEN lpad(CAST(abs(y) AS VARCHAR), 4, '0')"
    " ELSE CAST(abs(y) AS VARCHAR) END",
    "spark_date(x) AS CASE"
    " WHEN x BETWEEN DATE '0001-01-01' AND DATE '9999-12-31' THEN CAST(x AS VARCHAR)"
    " ELSE spark_year(year(x)) || '-' || lpad(CAST(month(x) AS VARCHAR), 2, '0')"
    " || '-' || lpad(CAST(day(x) AS VARCHAR), 2, '0') END",
    # `f` is a strftime pattern that starts after the year.
    "spark_moment(x, f) AS spark_year(year(x)) || strftime(x, f)",
    "spark_offset(x) AS CASE strftime(x, '%z') WHEN '+00' THEN 'Z' ELSE"
    " CASE WHEN length(strftime(x, '%z')) = 3 THEN strftime(x, '%z') || ':00'"
    " ELSE strftime(x, '%z') END END",
    # Years 1000 to 9999 in UTC, by far the most, need no zone arithmetic.
    "spark_iso(x) AS CASE WHEN current_setting('TimeZone') IN ('UTC', 'Etc/UTC')"
    " AND epoch_us(x) BETWEEN -30610224000000000 AND 253402300799999999"
    " THEN strftime(make_timestamp(epoch_us(x)), '%Y-%m-%dT%H:%M:%S.%gZ')"
    " ELSE spark_moment(CAST(x AS TIMESTAMP), '-%m-%dT%H:%M:%S.%g') || spark_offset(x) END",
    "spark_iso_local(x) AS CASE"
    " WHEN epoch_us(x) BETWEEN -30610224000000000 AND 253402300799999999"
    " THEN strftime(x, '%Y-%m-%dT%H:%M:%S.%g')"
    " ELSE spark_moment(x, '-%m-%dT%H:%M:%S.%g') END",
    "spark_fraction(x) AS CASE WHEN microsecond(x) % 1000000 = 0 THEN ''"
    " ELSE '.' || rtrim(lpad(CAST(microsecond(x) % 1000000 AS VARCHAR), 6, '0'), '0') END",
    "spark_timestamp_text(x) AS spark_moment(CAST(x AS TIMESTAMP), '-%m-%d %H:%M:%S')"
    " || spark_fraction(CAST(x AS TIMESTAMP))",
    "spark_day_time(m) AS CASE WHEN m < 0 THEN '-' ELSE '' END"
    " || CAST(abs(m) // 86400000000 AS VARCHAR) || ' '"
    " || lpad(CAST(abs(m) // 3600000000 % 24 AS VARCHAR), 2, '0') || ':'"
    " || lpad(CAST(abs(m) // 60000000 % 60 AS VARCHAR), 2, '0') || ':'"
    " || lpad(CAST(abs(m) // 1000000 % 60 AS VARCHAR), 2, '0') || '.'"
    " || lpad(CAST(abs(m) % 1000000 AS VARCHAR), 6, '0') || '000'",
    "spark_year_month(m) AS CASE WHEN m < 0 THEN '-' ELSE '' END"
    " || CAST(abs(CAST(m AS BIGINT)) // 12 AS VARCHAR) || '-'"
    " || CAST(abs(CAST(m AS BIGINT)) % 12 AS VARCHAR)",
    f"spark_zero(x) AS CASE WHEN x = 0 THEN error('{_DIVIDE_BY_ZERO}') ELSE x END",
    f"spark_zero_remainder(x) AS CASE WHEN x = 0 THEN error('{_REMAINDER_BY_ZERO}') ELSE x END",
    "spark_null_zero(x) AS CASE WHEN x = 0 THEN NULL ELSE x END",
    f"spark_malformed(x, target) AS error({_MALFORMED})",
    "spark_integer(x, target) AS CASE WHEN x IS NULL THEN NULL"
    " WHEN regexp_full_match(x, '\\s*[+-]?[0-9]+\\s*') THEN trim(x)"
    " ELSE spark_malformed(x, target) END",
    "spark_substring(s, p, n) AS CASE WHEN n <= 0 THEN substr(s, 1, 0)"
    " WHEN p > 0 THEN substr(s, p, n) WHEN p = 0 THEN substr(s, 1, n)"
    " WHEN -p > length(s) THEN substr(s, 1, greatest(CAST(n AS BIGINT) + p + length(s), 0))"
    " ELSE substr(s, p, n) END",
    "spark_quotient(n, d) AS CASE WHEN (n < 0) <> (d < 0)"
    " THEN -((2 * abs(n) + abs(d)) // (2 * abs(d)))"
    " ELSE (2 * abs(n) + abs(d)) // (2 * abs(d)) END",
    "spark_at(l, i, shown) AS CASE WHEN i < 1 OR i > len(l)"
    f" THEN error({_BAD_INDEX}) ELSE l[i] END",
    "pmod(a, b) AS ((a % spark_zero_remainder(b)) + b) % b",
    # json() writes compactly, but would round a number that is longer than a double.
    "spark_variant(t) AS CASE WHEN regexp_full_match(trim(t), '-?[0-9]+([.][0-9]+)?')"
    " THEN CAST(trim(t) AS JSON) ELSE CAST(json(t) AS JSON) END",
    "spark_quote(t) AS CAST(to_json(CAST(t AS VARCHAR)) AS VARCHAR)",
    "spark_csv(t) AS CASE WHEN regexp_matches(t, '[\",\\r\\n]')"
    " THEN '\"' || replace(t, '\"', '\"\"') || '\"' ELSE t END",
)
