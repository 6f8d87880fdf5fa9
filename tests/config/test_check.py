"""`plughub check`: what it prints and how it exits."""

import argparse
import json
from pathlib import Path

import pytest

from hub.cli import check
from hub.config import write_starting_configuration
from hub.messages import HubError
from tests.broker.certificates import make_certificate


@pytest.fixture(autouse=True)
def english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "en_GB.UTF-8")


def run(folder: Path, *arguments: str) -> int:
    parser = argparse.ArgumentParser()
    check.configure(parser)
    return check.run(parser.parse_args(["--config", str(folder), *arguments]))


def test_fine(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "home"
    write_starting_configuration(folder)
    assert run(folder) == 0
    assert capsys.readouterr().out == f"The configuration in {folder} is fine.\n"


def test_no_configuration(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path) == 0
    assert "the defaults hold" in capsys.readouterr().out


def test_no_folder(tmp_path: Path) -> None:
    with pytest.raises(HubError) as raised:
        run(tmp_path / "absent")
    assert raised.value.id == "config-folder-missing"


@pytest.fixture
def mistaken(tmp_path: Path) -> Path:
    (tmp_path / "configuration.yaml").write_text("network:\n  http_prt: 1\nintegrations:\n  lamp:\n    colour: red\n")
    (tmp_path / "plugins").mkdir()
    (tmp_path / "plugins" / "lamp.py").write_text("api = 1\n")
    (tmp_path / "plugins" / "broken.py").write_text("api = 1\nraise ValueError('no luck')\n")
    return tmp_path


def test_mistakes_of_the_hub_of_sections_and_of_plugins(mistaken: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(mistaken) == 1
    assert capsys.readouterr().out.splitlines() == [
        f"{mistaken}/configuration.yaml:2:3: There is no setting “http_prt” here."
        " Possible here: host, http_port, https, mdns, mqtt, trusted_proxies. Did you mean “http_port”?",
        f"{mistaken}/configuration.yaml:5:5: There is no setting “colour” here.",
        "Plugin “broken”: It cannot be imported: ValueError: no luck.",
        "The configuration has 2 mistakes.",
    ]


def test_addresses_are_shown_as_they_were_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "configuration.yaml").write_text("network:\n  host: http://hub.local\n")
    assert run(tmp_path) == 1
    assert f"{tmp_path}/configuration.yaml:2:9: “http://hub.local” is not" in capsys.readouterr().out


def test_json(mistaken: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(mistaken, "--json") == 1
    report = json.loads(capsys.readouterr().out)
    assert report["fine"] is False
    first = report["problems"][0]
    assert (first["file"], first["line"], first["column"]) == ("configuration.yaml", 2, 3)
    assert (first["code"], first["hint"]) == ("config-key-unknown", "Did you mean “http_port”?")
    assert [problem["plugin"] for problem in report["problems"]] == [None, "lamp"]
    assert [plugin["name"] for plugin in report["plugins"]] == ["broken", "lamp"]


def test_safe_mode_leaves_plugins_out(mistaken: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (mistaken / "configuration.yaml").write_text("integrations:\n  lamp: {colour: red}\n")
    assert run(mistaken, "--safe-mode") == 0
    assert "is fine" in capsys.readouterr().out


def test_german(mistaken: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "de_DE.UTF-8")
    assert run(mistaken) == 1
    assert "Meinst du „http_port“?" in capsys.readouterr().out


def spoil(fault: str, folder: Path) -> tuple[Path, Path]:
    """Certificate and key, of which something is wrong."""
    passphrase = b"kettle" if fault == "passphrase" else None
    files = make_certificate(folder, passphrase=passphrase, days=-1 if fault == "expired" else 2)
    certificate, key = files.certificate, files.key
    if fault == "missing":
        certificate.unlink()
        key.unlink()
    elif fault == "a folder":
        key.unlink()
        key.mkdir()
    elif fault == "mismatch":
        key = make_certificate(folder, "other").key
    elif fault == "swapped":
        certificate, key = key, certificate
    elif fault == "no key":
        key.write_text("nothing")
    return certificate, key


@pytest.mark.parametrize(
    ("fault", "places"),
    [
        ("none", {}),
        ("missing", {5: "hub.pem of the configuration does not exist", 6: "hub.key of the configuration does not"}),
        ("a folder", {6: "cannot be read: Is a directory"}),
        ("mismatch", {6: "is not that of the certificate"}),
        ("swapped", {5: "holds no certificate"}),
        ("no key", {6: "holds no private key"}),
        ("passphrase", {6: "has a passphrase"}),
        ("expired", {5: "expired on 20"}),
    ],
)
@pytest.mark.parametrize("section", ["mdns: false\n  mqtt:\n    tls:", "# TLS\n  mdns: false\n  https:"])
def test_the_certificate_is_looked_at(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], fault: str, places: dict[int, str], section: str
) -> None:
    certificate, key = spoil(fault, tmp_path)
    text = f"network:\n  {section}\n      certificate: {certificate}\n      key: {key}\n"
    (tmp_path / "configuration.yaml").write_text(text)
    assert run(tmp_path) == (1 if places else 0)
    lines = capsys.readouterr().out.splitlines()[:-1]
    assert len(lines) == len(places)
    for line, (number, said) in zip(lines, places.items(), strict=True):
        assert line.startswith(f"{tmp_path}/configuration.yaml:{number}:")
        assert said in line


def test_a_certificate_that_is_not_used_is_not_looked_at(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "configuration.yaml").write_text(
        "network: {mqtt: {tls: {certificate: /no/where, key: /no/where}, external: {host: broker.home}}}\n"
    )
    assert run(tmp_path) == 0
