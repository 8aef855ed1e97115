# SPDX-License-Identifier: PostgreSQL
"""Result sets on disk: chunk files in the API's formats, written while rows stream in."""
