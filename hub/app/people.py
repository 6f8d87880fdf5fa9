"""Who may come in: certificates, pairing, MQTT logins, the set-up."""

from dataclasses import dataclass

from hub.app.given import Given
from hub.app.registry import RegistryParts
from hub.auth.access import MqttAccess
from hub.auth.certificates import Certificates
from hub.auth.setup import Setup
from hub.devices.pairing import Pairing
from hub.wiring import certificates, problem_reporter


@dataclass(frozen=True, slots=True, kw_only=True)
class PeopleParts:
    """The doors."""

    issued: Certificates
    pairing: Pairing
    access: MqttAccess
    setup: Setup


async def open_people(given: Given, base: RegistryParts) -> PeopleParts:
    """Nobody is let in yet."""
    options, network, clock, started = given.options, given.configuration.network, given.clock, given.started
    identity, registry, own_broker = base.identity, base.registry, given.external is None
    issued = certificates(
        network,
        given.configuration.hub.name,
        options.data,
        clock,
        hub_id=base.hub_id,
        plugs=own_broker,
        report=problem_reporter(given.bus),
    )
    await started.begin("certificates", issued.start, issued.stop)
    pairing = Pairing(
        registry,
        bus=given.bus,
        clock=clock,
        audit=identity.audit,
        hub_id=base.hub_id,
        principal_of=identity.people.principal,
        offered=own_broker,
        plug_ca=issued.plug_authority,
        tls_port=lambda: given.addresses.mqtts_port or None,
    )
    access = MqttAccess(
        registry,
        base.database,
        clock,
        audit=identity.audit,
        pairing_open=pairing.let_in,
        knocked=pairing.knocked,
        just_paired=pairing.accepts,
        plug_home=registry.home_of,
        still=identity.people.require_still,
    )
    await started.begin("MQTT logins", access.load)
    proxied = bool(network.trusted_proxies)
    setup = Setup(identity.people, base.settings, clock, options.data, proxied=proxied)
    await started.begin("set-up", setup.load)
    return PeopleParts(issued=issued, pairing=pairing, access=access, setup=setup)
