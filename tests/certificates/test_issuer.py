"""Authorities and what they issue: limits that OpenSSL enforces, dates, names, files, damage."""

import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from hub.auth.certificates import BrowserIssuer, Issuer, Names, PlugIssuer
from hub.auth.certificates.issuer import RELEASED
from hub.auth.certificates.names import hub_names
from hub.auth.certificates.x509 import Span, issue, names_of, span_of, to_text
from tests.certificates.parts import NAMES, client_context, server_side, shake_hands

NOW = datetime.now(UTC).replace(microsecond=0)
LONG_AGO, YEARS_AHEAD = datetime(1970, 1, 1, tzinfo=UTC), NOW + timedelta(days=20_000)


def browser(folder: Path, extra: tuple[str, ...] = ()) -> BrowserIssuer:
    return BrowserIssuer(folder / "certificates", "Smart Plug AI 1f00c3d9", extra)


def ensure(issuer: Issuer, names: Names = NAMES, now: datetime = NOW, *, certain: bool = True) -> bool:
    return issuer.ensure(names, now, LONG_AGO, certain=certain)


@pytest.mark.parametrize("name", ["plughub.local", "pi.lan", "192.168.1.20", "127.0.0.1"])
def test_a_browser_that_has_the_authority_accepts_the_hub(tmp_path: Path, name: str) -> None:
    issuer = browser(tmp_path)
    ensure(issuer)
    shake_hands(client_context(issuer.authority), server_side(issuer.leaf, tmp_path), name)
    with pytest.raises(ssl.SSLCertVerificationError, match="mismatch"):
        shake_hands(client_context(issuer.authority), server_side(issuer.leaf, tmp_path), "router.lan")


@pytest.mark.parametrize(
    "stolen",
    [
        Names(("example.com",)),
        Names(("local.example.com",)),
        Names(("plughub.local", "example.com")),
        Names(("plughub.local",), (ip_address("8.8.8.8"),)),
        Names(("plughub.local",), (ip_address("2001:db8::1"),)),
    ],
    ids=lambda names: ",".join(names.texts()),
)
def test_with_its_key_nobody_can_pose_as_a_site_of_the_internet(tmp_path: Path, stolen: Names) -> None:
    issuer = browser(tmp_path)
    ensure(issuer)
    forged = issue(issuer.authority, stolen, Span(NOW - timedelta(1), NOW + timedelta(1)))
    with pytest.raises(ssl.SSLCertVerificationError, match="permitted subtree violation"):
        shake_hands(client_context(issuer.authority), server_side(forged, tmp_path), stolen.texts()[-1])


def test_what_it_may_not_vouch_for_is_left_out(tmp_path: Path) -> None:
    issuer = browser(tmp_path, ("energy.example.org", "10.1.2.3"))
    wanted = Names((*NAMES.dns, "hub.example.com", "energy.example.org"), (*NAMES.addresses, ip_address("8.8.8.8")))
    ensure(issuer, wanted)
    assert names_of(issuer.leaf.certificate) == Names((*NAMES.dns, "energy.example.org"), NAMES.addresses)
    shake_hands(client_context(issuer.authority), server_side(issuer.leaf, tmp_path), "energy.example.org")
    assert not ensure(issuer, wanted), "what is left out does not make it due"


def test_files_are_for_the_hub_only_and_are_read_again(tmp_path: Path) -> None:
    issuer = browser(tmp_path)
    assert ensure(issuer)
    folder = tmp_path / "certificates"
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {file.name: file.stat().st_mode & 0o777 for file in folder.iterdir()} == {
        "web-ca.pem": 0o600,
        "web.pem": 0o600,
    }
    again = browser(tmp_path)
    assert not ensure(again)
    assert again.authority.certificate == issuer.authority.certificate
    assert again.leaf.certificate == issuer.leaf.certificate


def test_it_is_renewed_a_month_before_its_end_and_the_authority_stays(tmp_path: Path) -> None:
    issuer = browser(tmp_path)
    ensure(issuer)
    begin, end = span_of(issuer.leaf.certificate)
    assert begin < NOW
    assert end - begin <= timedelta(days=397)
    authority, first = issuer.authority, issuer.leaf
    assert span_of(authority.certificate).end - NOW > timedelta(days=3650)
    assert not ensure(issuer, now=end - timedelta(days=30, seconds=1))
    assert not ensure(issuer, now=end, certain=False), "an uncertain clock is no reason"
    assert ensure(issuer, now=end - timedelta(days=30))
    assert issuer.authority == authority
    assert issuer.leaf.key.private_numbers() != first.key.private_numbers()


def test_a_new_name_or_address_renews_it_and_one_that_is_gone_does_not(tmp_path: Path) -> None:
    issuer = browser(tmp_path)
    ensure(issuer)
    assert not ensure(issuer, Names(NAMES.dns[:1], ()))
    moved = Names(NAMES.dns, (ip_address("10.0.0.7"),))
    assert ensure(issuer, moved)
    assert names_of(issuer.leaf.certificate) == moved


@pytest.mark.parametrize("clock", [LONG_AGO, RELEASED - timedelta(days=1), RELEASED + timedelta(days=100), YEARS_AHEAD])
def test_what_an_uncertain_clock_issues_is_of_use_or_replaced(tmp_path: Path, clock: datetime) -> None:
    issuer = browser(tmp_path)
    ensure(issuer, now=clock, certain=False)
    outer, inner = span_of(issuer.authority.certificate), span_of(issuer.leaf.certificate)
    truth = max(clock, RELEASED) + timedelta(days=1)
    assert inner.begin < truth < inner.end or clock == YEARS_AHEAD
    later = RELEASED + timedelta(days=150)  # the clock has become certain
    assert outer.begin < later < outer.end - timedelta(days=3000)
    authority = issuer.authority
    ensure(issuer, now=later)
    begin, end = span_of(issuer.leaf.certificate)
    assert begin <= later < end - timedelta(days=30)
    assert issuer.authority == authority


def test_a_clock_that_is_certain_and_wrong_stops_nothing(tmp_path: Path) -> None:
    for clock in (LONG_AGO, YEARS_AHEAD):
        issuer = browser(tmp_path / str(clock.year))
        assert ensure(issuer, now=clock)
    assert span_of(issuer.leaf.certificate).end > YEARS_AHEAD


def test_a_time_that_is_certainly_over_counts_more_than_the_clock(tmp_path: Path) -> None:
    issuer = browser(tmp_path)
    mark = RELEASED + timedelta(days=700)
    issuer.ensure(NAMES, LONG_AGO, mark, certain=False)
    assert span_of(issuer.leaf.certificate).begin <= mark < span_of(issuer.leaf.certificate).end - timedelta(days=300)


def test_an_authority_at_its_end_is_replaced(tmp_path: Path) -> None:
    issuer = browser(tmp_path)
    ensure(issuer)
    old = issuer.authority
    assert ensure(issuer, now=span_of(old.certificate).end - timedelta(days=30))
    assert issuer.authority != old
    shake = client_context(issuer.authority)
    shake.verify_flags |= ssl.VERIFY_X509_STRICT
    assert issuer.leaf.certificate.issuer == issuer.authority.certificate.subject


@pytest.mark.parametrize("content", ["", "no certificate", "half"])
@pytest.mark.parametrize("name", ["web-ca.pem", "web.pem"])
def test_a_damaged_file_is_set_aside_and_made_anew(tmp_path: Path, name: str, content: str) -> None:
    issuer = browser(tmp_path)
    ensure(issuer)
    file = tmp_path / "certificates" / name
    whole = file.read_text()
    file.write_text(whole[: len(whole) // 2] if content == "half" else content)
    again = browser(tmp_path)
    assert ensure(again)
    assert again.damaged == [str(file.with_name(f"{name}.damaged"))]
    assert (again.authority.certificate == issuer.authority.certificate) == (name == "web.pem")
    shake_hands(client_context(again.authority), server_side(again.leaf, tmp_path), "plughub.local")


def test_a_certificate_of_another_authority_is_not_kept(tmp_path: Path) -> None:
    issuer, other = browser(tmp_path), browser(tmp_path / "other")
    ensure(issuer)
    ensure(other)
    (tmp_path / "certificates" / "web.pem").write_text(to_text(other.leaf))
    again = browser(tmp_path)
    assert ensure(again)
    shake_hands(client_context(again.authority), server_side(again.leaf, tmp_path), "pi.lan")


def test_what_plugs_get_is_valid_for_a_century_and_without_limits(tmp_path: Path) -> None:
    issuer = PlugIssuer(tmp_path, "Smart Plug AI plugs 1f00c3d9")
    assert ensure(issuer, now=LONG_AGO, certain=False)
    for pair in (issuer.authority, issuer.leaf):
        assert span_of(pair.certificate) == Span(datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC))
        assert isinstance(pair.certificate.public_key().curve, ec.SECP256R1)  # type: ignore[union-attr]
        with pytest.raises(x509.ExtensionNotFound):
            pair.certificate.extensions.get_extension_for_class(x509.NameConstraints)
    assert not ensure(issuer, now=YEARS_AHEAD)


def test_the_names_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("socket.gethostname", lambda: "Raspberry.fritz.box")
    names = hub_names("1f00c3d9ab8e7762", ["Energy.example.org", "10.9.8.7"])
    assert {"plughub.local", "plughub-1f00c3d9.local", "raspberry", "raspberry.local", "raspberry.fritz.box"} < set(
        names.dns
    )
    assert "energy.example.org" in names.dns
    assert {ip_address("127.0.0.1"), ip_address("10.9.8.7")} <= set(names.addresses)
    assert not any(one.is_global for one in names.addresses)
    monkeypatch.setattr("socket.gethostname", lambda: "not_a_name")
    assert not any("not_a_name" in name for name in hub_names("1f00c3d9").dns)
