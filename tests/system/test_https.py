# SPDX-License-Identifier: PostgreSQL
"""The worker with TLS of its own, by names that clients verify: one host for all, and one a tenant."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import ssl
from collections.abc import Iterator

import pytest
import requests
from certificates import Authority, Served
from cluster import Cluster
from conftest import Connection
from http_client import RawClient
from mcp_caller import sign_in
from mcp_server import LEGACY, Client
from oauth_client import User, call, make_client, oauth_tenant, origin
from second_worker import at, free_port
from warehouse import wait_until

DOMAIN = "crm.test"
HSTS = "max-age=31536000"
RESTART_S = 20
METADATA = (
    "/.well-known/oauth-authorization-server",
    "/.well-known/oauth-protected-resource",
    "/.well-known/oauth-protected-resource/mcp",
    "/.well-known/oauth-protected-resource/api/mcp",
)


class Site:
    """A private cluster whose worker serves https at a port of its own."""

    def __init__(self, cluster: Cluster, authority: Authority) -> None:
        self.cluster, self.authority = cluster, authority
        self.port = free_port()
        self._folder = cluster.data_directory.parent / "tls"
        self._folder.mkdir()
        self.install(authority.issue(DOMAIN, f"*.{DOMAIN}"))
        self.set(
            listen=f"127.0.0.1:{self.port}",
            tls_certificate_file=str(self._folder / "chain.pem"),
            tls_key_file=str(self._folder / "key.pem"),
        )

    def install(self, served: Served) -> None:
        for name, content in (("chain.pem", served.chain), ("key.pem", served.key)):
            (self._folder / name).write_bytes(content)
            (self._folder / name).chmod(0o600)
            if os.getuid() == 0:
                shutil.chown(self._folder / name, self.cluster.owner)
        if os.getuid() == 0:
            shutil.chown(self._folder, self.cluster.owner)

    def set(self, **settings: str) -> None:
        with self.cluster.connect() as session:
            for name, value in settings.items():
                session.execute(f"ALTER SYSTEM SET lakehouse.{name} = '{value}'")
            session.execute("SELECT pg_reload_conf()")

    def serve_as(self, label: str) -> None:
        """`label` is empty, or what stands for a tenant's."""
        self.set(public_url=f"https://{label}{DOMAIN}:{self.port}")
        asked = f"https://{label.replace('{org-slug}', 'any')}{DOMAIN}:{self.port}"

        def is_served() -> bool:
            try:
                return requests.get(asked + METADATA[0]).json().get("issuer") == asked
            except requests.ConnectionError:  # it restarts
                return False

        wait_until(is_served, RESTART_S, asked)

    def url(self, tenant: str = "") -> str:
        label = tenant.replace("_", "-") + "." if tenant else ""
        return f"https://{label}{DOMAIN}:{self.port}"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Names of the domain lead here, and its authority is trusted."""
    folder = tmp_path_factory.mktemp("https")
    authority = Authority()
    (folder / "root.pem").write_bytes(authority.root)
    cluster = Cluster(folder / "cluster")
    resolve = socket.getaddrinfo

    def resolve_here(host: str, *rest: object, **options: object) -> object:
        is_ours = isinstance(host, str) and host.endswith(DOMAIN)
        return resolve("127.0.0.1" if is_ours else host, *rest, **options)  # type: ignore[arg-type]

    with pytest.MonkeyPatch.context() as patch:
        for name, value in cluster.environment.items():
            patch.setenv(name, value)
        patch.setenv("REQUESTS_CA_BUNDLE", str(folder / "root.pem"))
        patch.setattr(socket, "getaddrinfo", resolve_here)
        yield Site(cluster, authority)
    cluster.stop()


@pytest.fixture
def admin(site: Site) -> Iterator[Connection]:
    with site.cluster.connect() as connection:
        yield connection


@pytest.fixture(scope="module")
def one_host(site: Site) -> str:
    site.serve_as("")
    return site.url()


@pytest.fixture
def at_one_host(one_host: str) -> Iterator[str]:
    with at(one_host):
        yield one_host


@pytest.fixture(scope="module")
def tenant_hosts(site: Site, one_host: str) -> Site:
    """After all that is shown of one host."""
    site.serve_as("{org-slug}.")
    return site


@pytest.fixture
def tenants(tenant_hosts: Site, admin: Connection) -> Iterator[tuple[str, str]]:
    with oauth_tenant(admin) as first, oauth_tenant(admin) as second:
        yield first, second


# One host.


def test_metadata_name_the_public_url_alone(at_one_host: str, admin: Connection) -> None:
    for path in METADATA:
        assert_names_only(requests.get(at_one_host + path), at_one_host)
    refused = call(None)
    assert refused.status_code == 401
    challenge = f'resource_metadata="{at_one_host}{METADATA[2]}"'
    assert challenge in refused.headers["WWW-Authenticate"]


def assert_names_only(answer: requests.Response, url: str) -> None:
    assert answer.status_code == 200, answer.text
    named = re.findall(r"https?://[^/\"]*", answer.text)
    assert named and set(named) == {url}


def test_sign_in_ties_its_cookie_to_host_and_https(at_one_host: str, admin: Connection) -> None:
    with oauth_tenant(admin) as tenant:
        application = make_client(admin, tenant)
        user = User(f"member@{tenant}.example", tenant)
        page = user.open(application)
        name, _, rest = page.headers["Set-Cookie"].partition("=")
        assert name.startswith("__Host-lakehouse-")
        attributes = {part.strip().lower() for part in rest.split(";")[1:]}
        assert {"secure", "httponly", "samesite=strict", "path=/"} <= attributes
        assert not any(attribute.startswith("domain") for attribute in attributes)
        tokens = user.tokens(application)
        assert Client(tokens["access_token"]).result("tools/list")["tools"]
        assert call(tokens["access_token"], "/api/mcp").status_code == 400  # of the protocol


def test_every_answer_keeps_browsers_on_https(at_one_host: str) -> None:
    for path in (*METADATA, "/live", "/nothing", "/oauth/authorize", "/oauth/style.css", "/mcp"):
        answer = requests.get(at_one_host + path)
        assert answer.headers["Strict-Transport-Security"] == HSTS, path


def test_plain_http_is_not_answered(site: Site, at_one_host: str) -> None:
    with RawClient(address=("127.0.0.1", site.port)) as client:
        client.send(b"GET /live HTTP/1.1\r\nHost: crm.test:%d\r\n\r\n" % site.port)
        assert b"HTTP" not in client.receive_all()


def test_other_names_and_old_protocols_are_refused(site: Site, at_one_host: str) -> None:
    for host in (f"acme.{DOMAIN}:{site.port}", DOMAIN, f"{DOMAIN}:1", "evil.example"):
        assert requests.get(at_one_host + "/live", headers={"Host": host}).status_code == 421
    context = ssl.create_default_context(cafile=os.environ["REQUESTS_CA_BUNDLE"])
    context.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning):
        context.options |= ssl.OP_NO_TLSv1_2 | ssl.OP_NO_TLSv1_3
    with (
        socket.create_connection(("127.0.0.1", site.port)) as connection,
        pytest.raises(ssl.SSLError, match="PROTOCOL_VERSION"),
    ):
        context.wrap_socket(connection, server_hostname=DOMAIN)


def serial_number(site: Site) -> int:
    context = ssl.create_default_context(cafile=os.environ["REQUESTS_CA_BUNDLE"])
    with (
        socket.create_connection(("127.0.0.1", site.port)) as connection,
        context.wrap_socket(connection, server_hostname=DOMAIN) as secured,
    ):
        certificate = secured.getpeercert()
    assert certificate is not None
    return int(str(certificate["serialNumber"]), 16)


def test_a_renewed_certificate_is_served_after_a_reload(
    site: Site, at_one_host: str, admin: Connection
) -> None:
    with oauth_tenant(admin) as tenant:
        client = Client(sign_in(admin, tenant, "member").token, LEGACY[0])
        client.shake_hands()
        with requests.Session() as kept:
            assert kept.get(at_one_host + "/live").status_code == 200
            renewed = site.authority.issue(DOMAIN, f"*.{DOMAIN}")
            site.install(renewed)
            admin.execute("SELECT pg_reload_conf()")
            wait_until(lambda: serial_number(site) == renewed.serial_number, 5, "the new one")
            assert client.send("tools/list").status_code == 200
            assert kept.get(at_one_host + "/live").status_code == 200
        site.install(Served(b"no certificate", renewed.key, 0))
        admin.execute("SELECT pg_reload_conf()")
        wait_until(lambda: "could not load certificate file" in site.cluster.log(), 5, "the log")
        assert serial_number(site) == renewed.serial_number


def test_a_worker_that_began_without_a_usable_certificate_takes_the_next(
    site: Site, at_one_host: str, admin: Connection
) -> None:
    usable = site.authority.issue(DOMAIN, f"*.{DOMAIN}")
    site.install(Served(usable.chain, site.authority.issue(DOMAIN).key, 0))  # another's key
    row = admin.execute("SELECT pid FROM lakehouse.worker_status WHERE is_running").fetchone()
    assert row is not None
    os.kill(row[0], signal.SIGTERM)
    wait_until(lambda: is_serving_nothing(admin), RESTART_S, "a worker without http")
    site.install(usable)
    admin.execute("SELECT pg_reload_conf()")
    wait_until(lambda: is_served(at_one_host), RESTART_S, "https is back")
    assert serial_number(site) == usable.serial_number


def is_serving_nothing(admin: Connection) -> bool:
    found = admin.execute("SELECT listen FROM lakehouse.worker_status WHERE is_running")
    return found.fetchone() in ((None,), ("",))


def is_served(url: str) -> bool:
    try:
        return requests.get(url + "/live").status_code == 200
    except requests.ConnectionError:
        return False


# A host for each tenant.


def test_each_tenants_metadata_name_its_own_host(
    tenant_hosts: Site, tenants: tuple[str, str], admin: Connection
) -> None:
    for tenant in tenants:
        url = tenant_hosts.url(tenant)
        for path in METADATA:
            assert_names_only(requests.get(url + path), url)
        with at(url):
            challenge = call(None).headers["WWW-Authenticate"]
        assert f'resource_metadata="{url}{METADATA[2]}"' in challenge
        snippet = admin.execute("SELECT lakehouse.agent_snippet(%s, 'claude')", [tenant]).fetchone()
        assert snippet is not None and f"{url}/mcp" in snippet[0]


def test_the_host_selects_the_tenant_at_sign_in(
    tenant_hosts: Site, tenants: tuple[str, str], admin: Connection
) -> None:
    first, second = tenants
    member = User(f"member@{first}.example", first)
    with at(tenant_hosts.url(first)):
        application = make_client(admin, first)
        page = member.open(application)
        assert page.status_code == 200
        assert 'name="workspace"' not in page.text
        redirected = member.agree(application)
        assert redirected["iss"] == origin()
        stranger = User(f"member@{second}.example", second)
        assert stranger.sign_in(stranger.open(application)).status_code == 403
        theirs = make_client(admin, second)
        assert stranger.open(theirs).status_code == 400  # unknown there
    with at(tenant_hosts.url(second)):
        assert application.redeem(redirected["code"]).status_code == 400
        assert member.open(application).status_code == 400


def test_a_token_is_good_at_its_own_tenants_host_alone(
    tenant_hosts: Site, tenants: tuple[str, str], admin: Connection
) -> None:
    urls = [tenant_hosts.url(tenant) for tenant in tenants]
    tokens, sessions = [], []
    for tenant, url in zip(tenants, urls, strict=True):
        with at(url):
            user = User(f"admin@{tenant}.example", tenant)
            tokens.append(user.tokens(make_client(admin, tenant))["access_token"])
            sessions.append(Client(tokens[-1], LEGACY[0]))
            sessions[-1].shake_hands()
    for own, url in enumerate(urls):
        other = urls[1 - own]
        with at(url):
            assert status_of(tokens[own], sessions[own]) == {200}
        with at(other):
            assert status_of(tokens[own], sessions[own]) == {401}
            challenge = Client(tokens[own]).send("tools/list").headers["WWW-Authenticate"]
            assert 'error="invalid_token"' in challenge and other in challenge


def status_of(token: str, session: Client) -> set[int]:
    """Of every kind of request that a token opens."""
    catalog = requests.get(
        origin() + "/api/v1/admin/agents/tool-catalog", headers={"Authorization": f"Bearer {token}"}
    )
    return {
        Client(token).send("tools/list").status_code,
        session.send("tools/list").status_code,
        catalog.status_code,
    }


def test_a_slug_with_an_underscore_has_a_hyphen_in_its_host(
    tenant_hosts: Site, admin: Connection
) -> None:
    slug = "north_sea"
    admin.execute("SELECT lakehouse.create_tenant(%s)", [slug])
    admin.execute("SELECT lakehouse.create_user(%s, 'a@x.example', 'A', 'member')", [slug])
    url = tenant_hosts.url(slug)
    assert "//north-sea." in url
    with at(url):
        client = Client(sign_in(admin, slug, "member").token)
        made = client.call("create_lead", last_name="X", company="X")["structuredContent"]
        assert made["url"].startswith(url + "/")
    admin.execute("SELECT lakehouse.drop_tenant(%s)", [slug])


def test_a_tenant_that_is_not_there_is_not_told_apart(
    tenant_hosts: Site, tenants: tuple[str, str]
) -> None:
    nowhere = tenant_hosts.url("nowhere")
    for path in METADATA:
        assert_names_only(requests.get(nowhere + path), nowhere)
    with at(nowhere):
        assert call(None).status_code == 401


@pytest.mark.parametrize("host", ["", "a.b.", "-a.", "1a.", "a_b.", "a" * 32 + "."])
def test_hosts_that_can_be_no_tenants_are_not_answered(tenant_hosts: Site, host: str) -> None:
    headers = {"Host": f"{host}{DOMAIN}:{tenant_hosts.port}"}
    answer = requests.get(tenant_hosts.url("any") + METADATA[0], headers=headers)
    assert answer.status_code == 421


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_an_address_is_no_tenants_and_is_for_probes(tenant_hosts: Site, host: str) -> None:
    headers = {"Host": f"{host}:{tenant_hosts.port}"}
    url = tenant_hosts.url("any")
    assert requests.get(url + "/live", headers=headers).status_code == 200
    for path in METADATA:
        assert requests.get(url + path, headers=headers).status_code == 421
    posted = requests.post(url + "/mcp", json={}, headers=headers)
    assert posted.status_code == 421
