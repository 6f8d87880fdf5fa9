"""Homes and their members."""

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from hub.api.types.common import Email, Language, Name, Request

Role = Literal["admin", "user", "guest"]
Password = Annotated[str, Meta(max_length=1000)]
Code = Annotated[str, Meta(min_length=1, max_length=40)]
Price = Annotated[float, Meta(ge=0, le=1000)]
WeekDay = Annotated[int, Meta(ge=0, le=6)]
Currency = Annotated[str, Meta(pattern=r"^[A-Z]{3}$")]


class Home(msgspec.Struct):
    """`price`: of a kWh in its currency, null = not said. `week_start`: 0 = Monday ... 6 = Sunday. `declared`: what
    configuration.yaml sets, and nobody can change here."""

    id: str
    name: str
    time_zone: str
    currency: str
    price: float | None = None
    week_start: int = 0
    declared: list[str] = msgspec.field(default_factory=list)


class Membership(msgspec.Struct):
    """`first`: the hub's first home, which cannot be taken away."""

    home: Home
    role: Role
    first: bool = False


class HomeList(msgspec.Struct):
    """The homes that you are a member of, with your role in each."""

    items: list[Membership]
    next: str | None = None


class AddHomeRequest(Request):
    """Another tenant of this hub; who makes it is its admin."""

    name: Name
    time_zone: str
    currency: Currency
    price: Price | None = None
    week_start: WeekDay = 0


class ChangeHomeRequest(Request):
    """Only the fields sent change."""

    name: Name | UnsetType = UNSET
    time_zone: str | UnsetType = UNSET
    currency: Currency | UnsetType = UNSET
    price: Price | UnsetType = UNSET
    week_start: WeekDay | UnsetType = UNSET


class User(msgspec.Struct):
    """`operator`: an admin who looks after the hub, too: one of its first home. `seen`: when they were here last, as
    far as sessions that hold tell; only admins see it of others."""

    id: str
    name: str
    email: str
    language: Language
    role: Role
    operator: bool = False
    disabled: bool = False
    second_factor: bool = False
    seen: int | None = None


class UserList(msgspec.Struct):
    items: list[User]
    next: str | None = None


class AddUserRequest(Request):
    """Without a password nobody can sign in yet."""

    name: Name
    email: Email
    role: Role = "user"
    password: Password | None = None
    language: Language = "en"


class ChangeUserRequest(Request):
    """`disabled` locks the account: every session ends, its keys do nothing."""

    role: Role | UnsetType = UNSET
    disabled: bool | UnsetType = UNSET


class ChangeProfileRequest(Request):
    """Only the fields sent change. Another `email` needs the password."""

    name: Name | UnsetType = UNSET
    language: Language | UnsetType = UNSET
    email: Email | UnsetType = UNSET
    password: Password | UnsetType = UNSET


class ChangePasswordRequest(Request):
    """`current` is asked for although one is signed in: an open browser is not enough. Other sessions end; API keys
    where `end_keys` says so."""

    current: Password
    password: Password
    end_keys: bool = False


class PasswordRequest(Request):
    """Shows once more who asks."""

    password: Password


class Enrolment(msgspec.Struct):
    """For the authenticator app: the secret in base32, the same as an otpauth link, and its QR code as SVG."""

    secret: str
    link: str
    qr: str


class CodeRequest(Request):
    code: Code


class RecoveryCodes(msgspec.Struct):
    """Each serves once in place of a code of the app. Shown once."""

    codes: list[str]


class SecondFactor(msgspec.Struct):
    enabled: bool
    recovery_codes_left: int


class SignedIn(msgspec.Struct):
    """A session: a browser or program that is signed in. `current`: the one that asks."""

    id: str
    began: int
    seen: int
    address: str
    agent: str
    current: bool


class SignedInList(msgspec.Struct):
    items: list[SignedIn]
    next: str | None = None


class ApiKey(msgspec.Struct):
    """`hint`: how it begins; `expires` null = never, `used` null = not yet."""

    id: str
    name: str
    hint: str
    scopes: list[str]
    created: int
    expires: int | None
    used: int | None


class ApiKeyList(msgspec.Struct):
    items: list[ApiKey]
    next: str | None = None


class AddKeyRequest(Request):
    """What the key may: `read`, `control` (switch), `manage` (plugs and what belongs to them), `admin` (the home).
    Never more than its person. `expires`: Unix ms, in the future and at most ten years ahead; null = never."""

    name: Name
    scopes: Annotated[list[Literal["read", "control", "manage", "admin"]], Meta(min_length=1, max_length=4)]
    expires: int | None = None


class AddOwnKeyRequest(AddKeyRequest, kw_only=True):
    """The password is asked for although one is signed in: a key outlives a session that somebody else got hold of."""

    password: Password


class AddedKey(msgspec.Struct):
    """`text` is shown once and kept only as a hash."""

    key: ApiKey
    text: str


class Invitation(msgspec.Struct):
    """A link that holds: for a new member with this role, or (user) for somebody's new password."""

    id: str
    role: Role | None
    user: str | None
    created: int
    expires: int


class InvitationList(msgspec.Struct):
    items: list[Invitation]
    next: str | None = None


class InviteRequest(Request):
    role: Role = "user"


class AddedInvitation(msgspec.Struct):
    """`link` is shown once: the page of the web app with the secret behind the #, and its QR code as SVG."""

    invitation: Invitation
    link: str
    qr: str


class LinkRequest(Request):
    """The secret of a link."""

    token: Annotated[str, Meta(min_length=10, max_length=100)]


class LinkView(msgspec.Struct):
    """What a link is for. `purpose` "join": become a member of `home` as `role`; "password": set it anew for `name`."""

    purpose: Literal["join", "password"]
    home: str
    role: Role | None
    name: str | None
    expires: int


class JoinRequest(LinkRequest, kw_only=True):
    """A new account. Who has one already sends only email, password and, with a second factor, its code."""

    email: Email
    password: Password
    name: Name | None = None
    language: Language = "en"
    code: Code | None = None
    existing: bool = False


class ResetRequest(LinkRequest, kw_only=True):
    password: Password


class SwitchHomeRequest(Request):
    home: str
