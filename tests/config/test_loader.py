"""From a folder to typed configuration; every mistake at once, each with its place."""

from pathlib import Path

import pytest

from hub.config import Configuration, ConfigurationError, load_configuration, write_starting_configuration
from hub.config.starting import IN_REPOSITORY
from hub.messages import HubError
from tests.config.conftest import Load, lines, places

FIVE_MISTAKES = """\
    hub:
      log:
        level: inof
    network:
      prot: 8080
      mdns: on
    home:
      time_zone: Europe/Berln
    history:
      commit_interval: never
    """


def test_five_mistakes_give_five_located_errors(load: Load) -> None:
    loaded = load(FIVE_MISTAKES)
    assert lines(loaded) == [
        "configuration.yaml:3:12: “inof” is not possible for “level”. Possible values: debug, info, warning, error."
        " Did you mean “info”?",
        "configuration.yaml:5:3: There is no setting “prot” here."
        " Possible here: host, http_port, https, mdns, mqtt, trusted_proxies.",
        "configuration.yaml:6:9: “on” is not possible for “mdns”. It takes true or false."
        " YAML 1.2 knows only true and false: write true in place of on.",
        "configuration.yaml:8:14: “Europe/Berln” is not possible for “time_zone”."
        " It takes the name of a time zone, as in Europe/Berlin. Did you mean “Europe/Berlin”?",
        "configuration.yaml:10:20: “never” is not possible for “commit_interval”."
        " It takes a time from 1 s to 1 h, with its unit: s, min, h, d, w, y.",
    ]
    with pytest.raises(ConfigurationError) as raised:
        loaded.configuration()
    assert len(raised.value.problems) == 5
    assert str(raised.value) == "The configuration has 5 mistakes."


def test_in_german(load: Load) -> None:
    said = lines(load("network:\n  mdns: off\n  htp_port: 1\n"), "de")
    assert said == [
        "configuration.yaml:2:9: „off“ ist für „mdns“ nicht möglich. Hier steht true oder false."
        " YAML 1.2 kennt nur true und false: Schreib false statt off.",
        "configuration.yaml:3:3: Eine Einstellung „htp_port“ gibt es hier nicht."
        " Hier möglich: host, http_port, https, mdns, mqtt, trusted_proxies. Meinst du „http_port“?",
    ]


def test_everything_set(load: Load) -> None:
    configuration = load(
        """\
        hub:
          name: Cellar
          clock: trusted
          log: {level: debug, format: json, levels: {broker: warning}}
        home:
          name: Elm Street
          time_zone: Europe/Berlin
          currency: EUR
          language: de
        network:
          host: 127.0.0.1
          http_port: 8081
          mqtt: {host: "::1", port: 1884}
          mdns: false
          trusted_proxies: 10.0.0.0/8
        history:
          store: influxdb
          commit_interval: 30
          retention: {raw: 14 d, 1m: 8 w, 5m: 60 d, 1h: 2 y, 1d: 10 y}
          log_limit: 500 MB
        plugins:
          disabled: [shelly]
        """
    ).configuration()
    assert configuration.hub.name == "Cellar"
    assert configuration.hub.clock == "trusted"
    assert configuration.hub.log.levels == {"broker": "warning"}
    assert configuration.home.time_zone == "Europe/Berlin"
    assert (configuration.network.host, configuration.network.http_port) == ("127.0.0.1", 8081)
    assert (configuration.network.mqtt.host, configuration.network.mqtt.port) == ("::1", 1884)
    assert configuration.network.mdns is False
    assert configuration.network.trusted_proxies == ("10.0.0.0/8",)
    assert configuration.history.commit_interval == 30_000
    day = 86_400_000
    retention = configuration.history.retention
    kept = [retention.raw, retention.minute, retention.five_minutes, retention.hour, retention.day]
    assert kept == [14 * day, 56 * day, 60 * day, 730 * day, 3650 * day]
    assert configuration.history.log_limit == 500_000_000
    assert configuration.plugins.disabled == ("shelly",)


@pytest.mark.parametrize("text", ["", "# nothing\n", "---\n", "network:\nhistory:\n  retention:\nhub: {}\n", "~"])
def test_what_is_empty_means_the_defaults(load: Load, text: str) -> None:
    loaded = load(text)
    assert loaded.problems == []
    assert loaded.configuration() == Configuration()


def test_no_folder_and_no_file_mean_the_defaults(tmp_path: Path) -> None:
    assert load_configuration(tmp_path / "absent").configuration() == Configuration()


def test_automations_are_none_of_the_loaders_business(load: Load) -> None:
    assert load("", files={"automations.yaml": "- alias: x\n  broken: [\n"}).problems == []


@pytest.mark.parametrize(
    ("text", "place", "id"),
    [
        ("- a\n- b\n", "configuration.yaml:1:1", "config-kind-wrong"),
        ("hello", "configuration.yaml:1:1", "config-value-wrong"),
        ("network: 8080\n", "configuration.yaml:1:10", "config-value-wrong"),
        ("network:\n  - 8080\n", "configuration.yaml:2:3", "config-kind-wrong"),
        ("network:\n  http_port: true\n", "configuration.yaml:2:14", "config-value-wrong"),
        ("network:\n  http_port: 0\n", "configuration.yaml:2:14", "config-value-wrong"),
        ("network:\n  http_port: 80.5\n", "configuration.yaml:2:14", "config-value-wrong"),
        ("network:\n  http_port:\n", "configuration.yaml:2:13", "config-value-empty"),
        ("network:\n  host: example.com\n", "configuration.yaml:2:9", "config-value-wrong"),
        ("network:\n  trusted_proxies: [10.0.0.1, 10.0.0.1/8]\n", "configuration.yaml:2:31", "config-value-wrong"),
        ("home:\n  currency: euro\n", "configuration.yaml:2:13", "config-value-wrong"),
        ("home:\n  time_zone: CEST\n", "configuration.yaml:2:14", "config-value-wrong"),
        ("home:\n  time_zone: Factory\n", "configuration.yaml:2:14", "config-value-wrong"),
        ("home:\n  time_zone: localtime\n", "configuration.yaml:2:14", "config-value-wrong"),
        ("home:\n  time_zone: right/Europe/Berlin\n", "configuration.yaml:2:14", "config-value-wrong"),
        ("history:\n  retention:\n    raw: 0 d\n", "configuration.yaml:3:10", "config-value-wrong"),
        ("history:\n  log_limit: 1 PB\n", "configuration.yaml:2:14", "config-value-wrong"),
        ("hub:\n  name: |\n    two\n    lines\n", "configuration.yaml:2:9", "config-value-wrong"),
        ("hub:\n  log:\n    levels:\n      broker: loud\n", "configuration.yaml:4:15", "config-value-wrong"),
        ("plugins:\n  disabled: [ok, {a: 1}]\n", "configuration.yaml:2:18", "config-kind-wrong"),
    ],
)
def test_wrong_values(load: Load, text: str, place: str, id: str) -> None:
    assert places(load(text)) == [(place, id)]


def test_hints_about_quotes(load: Load) -> None:
    assert lines(load('home:\n  name: 12\nnetwork:\n  http_port: "8080"\n')) == [
        "configuration.yaml:2:9: “12” is not possible for “name”. It takes text."
        ' Put it in quotes to make it text: "12".',
        "configuration.yaml:4:14: “8080” is not possible for “http_port”."
        " It takes a whole number from 1 to 65535. Write it without quotes: 8080.",
    ]


def test_disabled_plugins_are_known_beside_mistakes(load: Load) -> None:
    loaded = load("plugins:\n  disabled: [a, b]\nnetwork: 1\n")
    assert loaded.disabled_plugins == {"a", "b"}
    assert len(loaded.problems) == 1


def test_language_of_the_home_even_beside_mistakes(load: Load) -> None:
    assert load("home:\n  language: de\n  nam: x\n").language == "de"
    assert load("home:\n  language: fr\n").language in ("en", "de")


def test_starting_configuration_is_fine_and_written_once(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "home"
    assert write_starting_configuration(folder)
    assert load_configuration(folder).problems == []
    assert load_configuration(folder).configuration() == Configuration()
    assert (folder / "secrets.yaml").stat().st_mode & 0o777 == 0o600
    (folder / "configuration.yaml").write_text("home:\n")
    assert not write_starting_configuration(folder)
    assert (folder / "configuration.yaml").read_text() == "home:\n"


def test_starting_configuration_shows_the_defaults(tmp_path: Path) -> None:
    """Every line that is a commented setting is taken in: the result is still the defaults."""
    text = (IN_REPOSITORY / "configuration.yaml").read_text()
    home = text.index("home:")
    network = text.index("network:")
    integrations = text.index("integrations:")
    live = "\n".join(
        line.replace("#", " ", 1) if line.startswith("#   ") else line
        for line in (text[:home] + text[network:integrations]).splitlines()
    )
    (tmp_path / "configuration.yaml").write_text(live.replace("levels:", "levels: {}").replace("broker: debug", ""))
    loaded = load_configuration(tmp_path)
    assert lines(loaded) == []
    assert loaded.configuration() == Configuration()
    assert "    raw: 7 d" in live


def test_starting_configuration_where_nothing_can_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(HubError) as raised:
        write_starting_configuration(tmp_path / "file" / "home")
    assert raised.value.id == "config-folder-unwritable"
