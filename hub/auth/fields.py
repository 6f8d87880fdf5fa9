"""Fields: what may stand in an account. Each is checked before it is stored, and comes back as it is stored."""

import re

from hub.auth.homes import LONGEST_NAME
from hub.auth.principal import ROLES
from hub.messages import LANGUAGES, HubError

EMAIL = re.compile(r"[^@\s]+@[^@\s]+")
LONGEST_EMAIL = 254
# Of what nobody is known by: the usual form, since a password with an @ in it is an address to EMAIL.
MAIL_NAME = re.compile(r"[a-z0-9._+-]{1,64}@([a-z0-9-]{1,63}\.)+[a-z]{2,24}")


def require_email(email: str) -> str:
    """In lower case. Raises HubError("email-invalid")."""
    address = email.strip().casefold()
    if not EMAIL.fullmatch(address) or len(address) > LONGEST_EMAIL or not address.isprintable():
        raise HubError("email-invalid", field="email")
    return address


def require_name(name: str) -> str:
    """With single blanks. Raises HubError("name-invalid")."""
    plain = " ".join(name.split())
    if not 1 <= len(plain) <= LONGEST_NAME or not plain.isprintable():
        raise HubError("name-invalid", field="name", most=LONGEST_NAME)
    return plain


def require_language(language: str) -> str:
    """Raises HubError("language-unknown")."""
    if language not in LANGUAGES:
        raise HubError("language-unknown", field="language", language=language)
    return language


def require_role(role: str) -> None:
    """Raises HubError("role-invalid")."""
    if role not in ROLES:
        raise HubError("role-invalid", field="role", role=role)
