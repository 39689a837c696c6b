"""How a page finds the identity server: ways A to D of the documentation, and keys that were made for real Clerk."""

from __future__ import annotations

import base64
import json
import re
import ssl
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from playwright.sync_api import Browser

from tests.browser.browser import new_profile
from tests.browser.clerk_page import ClerkPage
from tests.browser.conftest import PASSWORD, OpenPage
from tests.browser.identity_process import KAIZEN, IdentityAlone, IdentityProcess, start_identity
from tests.browser.pages import PACKAGES, PageServer
from tests.scenarios.server_process import ServerProcess


def lives_through_a_reload(page: ClerkPage, email: str) -> dict[str, Any]:
    """Signs up, reloads and takes a token: what works only if requests arrive and the cookie comes back."""
    user = page.sign_up(email, PASSWORD)
    assert page.reload().who() == user
    assert page.claims(template="convex", skipCache=True)["sub"] == user["id"]
    return user


def test_a_by_a_path_of_the_pages_own_origin(open_page: OpenPage, identity: IdentityProcess, email: str) -> None:
    page = open_page(host="localhost")
    lives_through_a_reload(page, email)
    assert f"http://localhost:{page.do('location.port')} uses the identity server" not in identity.log
    origins = {request.split()[1].split("/")[2] for request in page.seen.requests}
    assert origins == {f"localhost:{page.do('location.port')}"}


def test_b_by_another_port_of_the_same_host(open_page: OpenPage, identity: IdentityProcess, email: str) -> None:
    page = open_page(proxyUrl=f"{identity.url}/__clerk")
    user = lives_through_a_reload(page, email)
    page.sign_out()
    assert page.sign_in(email, PASSWORD)["id"] == user["id"]


def test_b_works_under_the_name_localhost_too(open_page: OpenPage, identity: IdentityProcess, email: str) -> None:
    lives_through_a_reload(open_page(host="localhost", proxyUrl=f"http://localhost:{identity.port}"), email)


@pytest.mark.parametrize("clerk", [5, 6])
def test_c_by_a_script_before_the_bundle_and_no_option(
    open_page: OpenPage, identity: IdentityProcess, email: str, clerk: int
) -> None:
    page = open_page(proxyUrl=None, hook=f"{identity.url}/__clerk/dev-redirect.js", clerk=clerk)
    lives_through_a_reload(page, email)
    assert page.do("Clerk.proxyUrl") == ""


def test_d_by_https_and_a_certificate_that_the_browser_trusts(browser: Browser, tmp_path: Path, email: str) -> None:
    certificate, private_key = make_certificate(tmp_path)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, private_key)
    alone = IdentityAlone(tmp_path, "--certificate", str(certificate), "--private-key", str(private_key))
    issuer = alone.url.replace("http:", "https:")
    trust = {"CLERK_JWT_ISSUER_DOMAIN": issuer, "SSL_CERT_FILE": str(certificate)}
    backend = ServerProcess(KAIZEN, tmp_path / "functions", environment=trust)
    try:
        key = alone.start().publishable_key
        with PageServer(tls=tls) as pages:
            context, seen = new_profile(browser, ignore_https_errors=True)
            page = ClerkPage(context, seen, pages.url(key=key)).open()
            user = lives_through_a_reload(page, email)
            token = page.token(template="convex")
            context.close()
        assert seen.foreign == []
        answer = backend.start().call("mutation", "users:store", Authorization=f"Bearer {token}")
        assert answer["status"] == "success", answer
        row = json.loads(backend.parabola("data", "users", "--json", "--url", backend.url))[0]
        assert row["tokenIdentifier"] == f"{issuer}|{user['id']}"
    finally:
        backend.close()
        alone.close()


def make_certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 that signs itself, and its key, as PEM files."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    paths = folder / "certificate.pem", folder / "key.pem"
    paths[0].write_bytes(certificate.public_bytes(Encoding.PEM))
    paths[1].write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return paths


def test_a_key_of_a_real_development_instance_works_even_across_sites(
    open_page: OpenPage, identity: IdentityProcess, email: str
) -> None:
    key = "pk_test_" + base64.b64encode(b"quiet-owl-7.clerk.accounts.dev$").decode().rstrip("=")
    page = open_page(host="localhost", key=key, proxyUrl=f"{identity.url}/__clerk")
    lives_through_a_reload(page, email)
    assert page.seen.of("/v1/dev_browser")
    assert page.seen.of("__clerk_db_jwt=")


def test_a_page_that_hides_its_origin_can_change_nothing_and_read_nothing(
    browser: Browser, identity: IdentityProcess, email: str
) -> None:
    script = f"""fetch("{identity.url}/v1/client/sign_ups", {{
            method: "POST", credentials: "include",
            body: new URLSearchParams({{ email_address: "{email}", password: "{PASSWORD}" }}),
        }}).then(() => parent.postMessage("read", "*"), () => parent.postMessage("refused", "*"))"""
    with PageServer() as pages:
        context, _ = new_profile(browser)
        page = context.new_page()
        page.goto(pages.url())
        heard = page.evaluate(
            """(script) => new Promise((resolve) => {
                addEventListener("message", ({ data }) => resolve(data));
                const frame = Object.assign(document.createElement("iframe"), { sandbox: "allow-scripts" });
                frame.srcdoc = `<script>${script}<\\/script>`;
                document.body.append(frame);
            })""",
            script,
        )
        context.close()
    assert heard == "refused"
    assert json.loads(identity.parabola("identity", "users", "list", "--query", email, "--json")) == []
    answer = httpx.post(f"{identity.url}/v1/client/sign_ups", headers={"Origin": "null"}, trust_env=False)
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, "origin_invalid")


def test_a_page_under_another_name_of_this_machine_is_warned_about(
    open_page: OpenPage, identity: IdentityProcess, email: str
) -> None:
    page = open_page(host="localhost", proxyUrl=f"{identity.url}/__clerk")
    sign_up = "(fields) => Clerk.client.signUp.create(fields).then(({ status }) => status)"
    assert page.do(sign_up, {"emailAddress": email, "password": PASSWORD}) == "complete"
    assert page.reload().who() is None, "the cookie does not come back"
    names = rf"{page.do('location.origin')} uses the identity server at {identity.url}"
    identity.wait_for_log(rf"{names}. Those are different sites")


def _module_page(log: str) -> str:
    (line,) = re.findall(r"with the package @clerk/clerk-js: (new Clerk\(.*\))", log)
    return f"""<script type="module">
        import {{ Clerk }} from "/clerk-5/clerk.mjs";
        window.Clerk = {line};
        await window.Clerk.load();
        document.title = "loaded";
    </script>"""


def _script_tag_page(log: str) -> str:
    (tag,) = re.findall(r"with script tags: (<script .*</script>)", log)
    loading = "addEventListener('load', async () => { await Clerk.load(); document.title = 'loaded'; });"
    return tag.replace("…/clerk.browser.js", "/clerk-5/clerk.browser.js") + f"<script>{loading}</script>"


def _key_alone_page(log: str) -> str:
    (tag,) = re.findall(r"put (<script .*</script>) before your scripts", log)
    (key,) = re.findall(r"Publishable key: (pk_test_\S+)", log)
    return f"""{tag}<script type="module">
        import {{ Clerk }} from "/clerk-5/clerk.mjs";
        window.Clerk = new Clerk("{key}");
        await window.Clerk.load();
        document.title = "loaded";
    </script>"""


@pytest.mark.parametrize("page_of", [_module_page, _script_tag_page, _key_alone_page])
def test_what_the_server_prints_is_all_that_a_newcomer_needs(
    browser: Browser, identity: IdentityProcess, email: str, page_of: Callable[[str], str]
) -> None:
    """Each of the lines that the server prints, pasted as it is into a page of a few lines."""
    identity.wait_for_log(r"before your scripts")
    with PageServer() as pages:
        context, seen = new_profile(browser)
        page = context.new_page()
        pages.written["/mine"] = f"<!doctype html><title>mine</title>{page_of(identity.log)}"
        page.goto(pages.url("/mine"))
        page.wait_for_function("document.title === 'loaded'")
        page.evaluate(
            """async ([emailAddress, password]) => {
                const attempt = await Clerk.client.signUp.create({ emailAddress, password });
                await Clerk.setActive({ session: attempt.createdSessionId });
            }""",
            [email, PASSWORD],
        )
        page.wait_for_function("() => Clerk.user && Clerk.session")
        user = page.evaluate("async () => [Clerk.user.id, await Clerk.session.getToken({ template: 'convex' })]")
        context.close()
    assert user[0].startswith("user_")
    assert seen.foreign == [], "the newcomer forgot telemetry: false, and still nothing left the machine"
    answer = httpx.post(
        f"{identity.url}/api/mutation",
        json={"path": "users:store", "args": {}, "format": "json"},
        headers={"Authorization": f"Bearer {user[1]}"},
        trust_env=False,
    )
    assert answer.json()["status"] == "success"


def test_pages_that_load_clerk_js_by_a_script_tag_get_it_from_here(
    browser: Browser, tmp_path_factory: pytest.TempPathFactory, email: str
) -> None:
    settings = f'packages_dir = "{PACKAGES.as_posix()}"'
    with (
        start_identity(tmp_path_factory.mktemp("data"), settings=settings) as identity,
        PageServer(identity.url) as pages,
    ):
        context, seen = new_profile(browser)
        page = context.new_page()
        page.goto(pages.url())
        page.evaluate(
            """([key, source]) => new Promise((resolve, reject) => {
                const script = Object.assign(document.createElement("script"), { src: source, onload: resolve });
                script.onerror = () => reject(new Error("the script did not load"));
                script.dataset.clerkPublishableKey = key;
                script.dataset.clerkProxyUrl = "/__clerk";
                document.head.append(script);
            })""",
            [identity.publishable_key, "/__clerk/npm/@clerk/clerk-js@5/dist/clerk.browser.js"],
        )
        page.evaluate("Clerk.load({ telemetry: false })")
        page.evaluate("void Clerk.openSignIn()")
        page.locator("input[name=identifier]:visible").wait_for()
        context.close()
    assert seen.foreign == []
    assert len(seen.of("/npm/@clerk/clerk-js@")) > 1, "the dialog came in chunks"
