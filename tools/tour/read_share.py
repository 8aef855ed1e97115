# SPDX-License-Identifier: PostgreSQL
"""What a data team does with the demo's share: one table as it is, as it was, and what changed in it.

Runs in build/sharing, with the official client of Delta Sharing, which makes pandas data frames.
"""

import os

import delta_sharing

NAME = "Kestrel Energy"
ACCOUNTS = os.environ["DEMO_SHARE_PROFILE"] + "#crm.crm.accounts"


def show(title, frame, columns):
    found = frame[frame["name"] == NAME][columns]
    print(f"{title}\n{found.to_string(index=False)}\n")


now = delta_sharing.load_as_pandas(ACCOUNTS)
print(f"{len(now)} accounts\n")
show("load_as_pandas(accounts)", now, ["name", "industry", "employees"])
before = delta_sharing.load_as_pandas(ACCOUNTS, version=0)
show("load_as_pandas(accounts, version=0)", before, ["name", "industry", "employees"])
changes = delta_sharing.load_table_changes_as_pandas(ACCOUNTS, starting_version=1)
changes = changes.sort_values(["_commit_version", "_change_type"], ascending=[True, False])
columns = ["_commit_version", "_change_type", "name", "employees"]
show("load_table_changes_as_pandas(accounts, starting_version=1)", changes, columns)
