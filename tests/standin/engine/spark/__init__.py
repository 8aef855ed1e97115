# SPDX-License-Identifier: PostgreSQL
"""Apache Spark in ANSI mode: the same statements, untranslated, over the same files."""
