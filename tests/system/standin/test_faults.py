# SPDX-License-Identifier: PostgreSQL
"""Faults strike what they were ordered to strike, as often as ordered, and nothing else."""

from __future__ import annotations

import time

import pytest
import requests
from process import STATEMENTS, Standin

EXECUTE = {"method": "POST", "path": "/statements$"}


def test_status_strikes_the_nth_request_only(standin: Standin) -> None:
    standin.fault(**EXECUTE, after=1, count=2, status=503, body={"error_code": "X", "message": "m"})
    codes = [standin.post("SELECT 1").status_code for _ in range(4)]
    assert codes == [200, 503, 503, 200]
    (fault,) = standin.state()["faults"]
    assert (fault["met"], fault["struck"]) == (4, 2)


def test_retry_after_is_sent_when_ordered(standin: Standin) -> None:
    standin.fault(**EXECUTE, status=429, headers={"Retry-After": "7"})
    answer = standin.post("SELECT 1")
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "7")


def test_count_zero_strikes_until_cleared(standin: Standin) -> None:
    standin.fault(**EXECUTE, count=0, status=503)
    assert {standin.post("SELECT 1").status_code for _ in range(3)} == {503}
    standin.control("DELETE", "faults")
    assert standin.post("SELECT 1").status_code == 200


def test_delay_holds_the_answer_back(standin: Standin) -> None:
    standin.fault(**EXECUTE, delay_ms=300)
    started = time.monotonic()
    assert standin.post("SELECT 1").status_code == 200
    assert time.monotonic() - started >= 0.3


def test_reset_breaks_the_connection_before_an_answer(standin: Standin) -> None:
    standin.fault(**EXECUTE, reset=True)
    with pytest.raises(requests.ConnectionError):
        standin.post("SELECT 1")
    assert standin.post("SELECT 1").status_code == 200


def test_truncated_body_breaks_off_in_the_middle(standin: Standin) -> None:
    standin.fault(**EXECUTE, truncate_after=20)
    with pytest.raises(requests.RequestException):
        standin.post("SELECT 1")


def test_cut_body_is_a_complete_answer_of_broken_json(standin: Standin) -> None:
    standin.fault(**EXECUTE, cut_at=20)
    answer = standin.post("SELECT 1")
    assert len(answer.content) == 20
    with pytest.raises(requests.JSONDecodeError):
        answer.json()


def test_malformed_json_at_any_byte(standin: Standin) -> None:
    standin.fault(**EXECUTE, malformed_at=-1)
    with pytest.raises(requests.JSONDecodeError):
        standin.post("SELECT 1").json()


def test_corrupt_byte_changes_one_byte_of_a_link(standin: Standin) -> None:
    value = standin.execute("SELECT 'abc'", disposition="EXTERNAL_LINKS")
    url = value["result"]["external_links"][0]["external_link"]
    whole = requests.get(url, timeout=30).content
    standin.fault(origin="links", corrupt_byte=4)
    broken = requests.get(url, timeout=30).content
    assert [i for i, (a, b) in enumerate(zip(whole, broken, strict=True)) if a != b] == [4]


def test_truncated_link_download(standin: Standin) -> None:
    value = standin.execute("SELECT * FROM range(10000)", disposition="EXTERNAL_LINKS")
    url = value["result"]["external_links"][0]["external_link"]
    standin.fault(origin="links", truncate_after=100)
    with pytest.raises(requests.RequestException):
        requests.get(url, timeout=30)


def test_trickle_sends_slowly_but_whole(standin: Standin) -> None:
    value = standin.execute("SELECT 'abcdef'", disposition="EXTERNAL_LINKS")
    url = value["result"]["external_links"][0]["external_link"]
    standin.fault(origin="links", trickle={"bytes": 4, "every_ms": 50})
    started = time.monotonic()
    assert requests.get(url, timeout=30).json() == [["abcdef"]]
    assert time.monotonic() - started >= 0.1


def test_redirect_leads_elsewhere(standin: Standin) -> None:
    standin.fault(**EXECUTE, redirect="https://elsewhere.example/")
    answer = standin.post("SELECT 1")
    assert answer.status_code == 307
    assert answer.headers["Location"] == "https://elsewhere.example/"


def test_truncated_flag_can_be_set(standin: Standin) -> None:
    standin.fault(**EXECUTE, set={"manifest.truncated": True})
    assert standin.execute("SELECT 1")["manifest"]["truncated"] is True


def test_unknown_type_can_be_named(standin: Standin) -> None:
    path = "manifest.schema.columns.0.type_name"
    standin.fault(**EXECUTE, set={path: "GEOMETRY"})
    columns = standin.execute("SELECT 1")["manifest"]["schema"]["columns"]
    assert columns[0]["type_name"] == "GEOMETRY"


def test_links_expire_in_mid_scan(standin: Standin) -> None:
    standin.settings(chunk_bytes=1 << 20)
    value = standin.execute("SELECT * FROM demo.tpch.orders", disposition="EXTERNAL_LINKS")
    path = f"{STATEMENTS}/{value['statement_id']}/result/chunks/1"
    link = standin.call("GET", path).json()["external_links"][0]["external_link"]
    standin.fault(origin="links", event="expire_links")
    assert requests.get(link, timeout=30).status_code == 403
    fresh = standin.call("GET", path).json()["external_links"][0]["external_link"]
    assert requests.get(fresh, timeout=30).status_code == 200


def test_warehouse_can_vanish_with_a_request(standin: Standin) -> None:
    standin.fault(**EXECUTE, event="delete_warehouse")
    assert standin.post("SELECT 1").status_code == 404


@pytest.mark.parametrize(
    "order", [{"explode": True}, {"path": "("}, {"faults": [{"statu": 1}]}], ids=str
)
def test_order_that_cannot_be_followed_is_refused(
    standin: Standin, order: dict[str, object]
) -> None:
    answer = standin.http.post(f"{standin.control_url}/faults", json=order)
    assert answer.status_code == 400
    assert standin.state()["faults"] == []


@pytest.mark.parametrize("values", [{"pace": 1}, {"chunk_bytes": "big"}], ids=str)
def test_setting_that_does_not_exist_is_refused(
    standin: Standin, values: dict[str, object]
) -> None:
    answer = standin.http.post(f"{standin.control_url}/settings", json=values)
    assert answer.status_code == 400


def test_counters_show_what_came(standin: Standin) -> None:
    parameters = [{"name": "a", "type": "INT", "value": "1"}]
    standin.rows("SELECT :a", parameters=parameters, query_tags=[{"key": "k", "value": "v"}])
    standin.execute("SELECT 1/0")
    state = standin.state()
    assert state["requests"]["statements.execute"] == 2
    assert (state["statements"]["succeeded"], state["statements"]["failed"]) == (1, 1)
    seen = state["statements"]["latest"][0]
    assert seen["statement"] == "SELECT :a"
    assert seen["parameters"] == [{"type": "INT", "value": "1", "name": "a"}]
    assert seen["query_tags"] == [{"key": "k", "value": "v"}]
