# SPDX-License-Identifier: PostgreSQL
"""SQL engines behind the API: DuckDB, which is quick, and Apache Spark, which is the judge."""
