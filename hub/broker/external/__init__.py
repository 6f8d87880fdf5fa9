"""The hub as a client of a broker that the home already has, in place of the embedded one."""

from hub.broker.external.broker import ExternalBroker
from hub.broker.external.link import Server, Tls
from hub.broker.external.rules import password_line, rule_lines

__all__ = ["ExternalBroker", "Server", "Tls", "password_line", "rule_lines"]
