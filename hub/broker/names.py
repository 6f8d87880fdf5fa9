"""Names that nobody is known by, as logs show them: some type a secret where the name belongs, or swap the two."""

import re

# As login names and hardware ids are: of one word, and not longer than makers make them.
FORM = re.compile(r"[A-Za-z0-9_.-]{1,40}")
SECRETS = re.compile(
    r"plughub_.*"  # an API key
    r"|[0-9A-Fa-f]{24,}"  # a login's secret, or a part of it
    r"|[0-9A-HJKMNP-TV-Z]{4}(-?[0-9A-HJKMNP-TV-Z]{4}){3,}"  # the code of a plug's label
)


def shown_name(name: str, client_id: str) -> str:
    """The name where a device calls itself so, too, and it has the form of a name and not that of a secret; else how
    long it is. A password of one word looks like a name, but nobody's device has it as its client id."""
    if name == client_id and FORM.fullmatch(name) and not SECRETS.fullmatch(name):
        return name
    return f"({len(name)} letters)" if name else ""
