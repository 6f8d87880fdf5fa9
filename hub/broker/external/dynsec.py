"""Logins and topic rules written through Mosquitto's dynamic security plugin ($CONTROL/dynamic-security/v1)."""

import asyncio
import json
import logging
import secrets
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from hub.broker.external.link import Server
from hub.broker.external.rules import HUB, rules_of
from hub.broker.interface import Login
from hub.messages import Message
from hub.tasks import Tasks

CONTROL = "$CONTROL/dynamic-security/v1"
ANSWERS = f"{CONTROL}/response"
ANSWER_S = 10.0
TRY_AGAIN_S = 60.0
AT_ONCE = 25  # logins in one message
ROLE = "plughub"  # the hub's own; that of a login is plughub-NAME
Logins = Callable[[], Iterable[Login]]
Command = dict[str, Any]
log = logging.getLogger(__name__)


class DynsecError(Exception):
    """The plugin refused or did not answer; the text is its own."""


class DynamicSecurity:
    """Brings the broker's logins in line with the hub's, whenever one of the two may have changed.

    The hub keeps only hashes of the secrets, so a login can be written only while its fresh secret is at hand: from
    its making until the plugin has it, in memory. One that the broker lacks and whose secret is gone is a problem for
    people. The hub touches only logins of its own group.
    """

    def __init__(
        self,
        send: Callable[[str, bytes], bool],
        server: Server,
        logins: Logins,
        *,
        ready: Callable[[], None],
        raised: Callable[[Message], None],
        ended: Callable[[str], None],
    ) -> None:
        """`ready` is called after each login of the hub, once its own rights are settled."""
        self._send = send
        self._username = server.username or ""
        self._group = f"plughub-{server.client_id}"
        self._logins = logins
        self._told_ready = ready
        self._raised, self._ended = raised, ended
        self._open: set[str] = set()  # problems
        self._fresh: dict[str, str] = {}
        self._wake = asyncio.Event()
        self._connected = False
        self._tasks = Tasks(log, "the logins of the external broker are kept up no more")
        self._awaited: tuple[str, asyncio.Future[list[Command]]] | None = None
        self.ready = False

    def start(self) -> None:
        """Begin."""
        self._tasks.spawn(self._run(), "dynamic security")

    async def stop(self) -> None:
        """End."""
        await self._tasks.cancel()

    def connected(self) -> None:
        """The hub has logged in to the broker."""
        self._connected = True
        self._wake.set()

    def disconnected(self) -> None:
        """It has lost the broker."""
        self._connected = self.ready = False
        if self._awaited is not None and not self._awaited[1].done():
            self._awaited[1].set_exception(ConnectionError("the connection ended"))

    def login_changed(self, name: str, secret: str | None) -> None:
        """A login has this secret from now on, or (None) has ended."""
        if secret is None:
            self._fresh.pop(name, None)
        else:
            self._fresh[name] = secret
        self._wake.set()

    def answer(self, topic: str, payload: bytes, retained: bool) -> None:
        """The plugin's answers to one message."""
        try:
            answers = json.loads(payload)["responses"]
            number = answers[0].get("correlationData")
        except (ValueError, KeyError, IndexError, TypeError, AttributeError):
            log.warning("an answer of the dynamic security plugin cannot be read")
            return
        if self._awaited is not None and self._awaited[0] == number and not self._awaited[1].done():
            self._awaited[1].set_result(answers)

    async def _run(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            if not self._connected:
                continue
            try:
                if not self.ready:
                    await self._take_own_rights()
                    self._be_ready()
                await self._bring_in_line()
            except ConnectionError:
                continue  # the next login of the hub goes on from there
            except DynsecError as error:
                self._problem("external-dynsec-failed", reason=str(error))
                self._be_ready()  # perhaps the hub has its rights in another way
                asyncio.get_running_loop().call_later(TRY_AGAIN_S, self._wake.set)
            else:
                self._problem("external-dynsec-failed")

    def _be_ready(self) -> None:
        if not self.ready and self._connected:
            self.ready = True
            self._told_ready()

    async def _take_own_rights(self) -> None:
        """The administrator that `mosquitto_ctrl dynsec init` makes may only administer. Giving it a role ends its
        connections: the hub comes back with its rights."""
        (client,) = await self._ask({"command": "getClient", "username": self._username})
        held = {role["rolename"] for role in _data(client)["client"].get("roles", ())}
        if ROLE in held:
            return
        answer = await self._ask(
            {"command": "createRole", "rolename": ROLE, "acls": HUB},
            {"command": "addClientRole", "username": self._username, "rolename": ROLE},
        )
        _check(answer[0], "already exists")
        _check(answer[1])

    async def _bring_in_line(self) -> None:
        theirs = await self._listed()
        wanted = {login.name: login for login in self._logins()}
        gone = sorted(theirs - wanted.keys())
        for part in _parts(gone):
            commands: list[Command] = []
            for name in part:
                commands.append({"command": "deleteClient", "username": name})
                commands.append({"command": "deleteRole", "rolename": f"{ROLE}-{name}"})
            for answer in await self._ask(*commands):
                _check(answer, "not found")
        taken = []
        for part in _parts([name for name in self._fresh if name in wanted]):
            taken += await self._write({name: self._fresh[name] for name in part}, wanted, theirs)
            theirs |= set(part) - set(taken)
        self._problem("external-logins-taken", names=sorted(taken))
        self._problem("external-logins-missing", names=sorted(wanted.keys() - theirs - set(taken)))

    async def _write(self, fresh: Mapping[str, str], wanted: Mapping[str, Login], theirs: set[str]) -> list[str]:
        """Make or change these logins; returns the names that somebody else has at the broker."""
        mine = sorted(fresh.keys() & theirs)
        new = sorted(fresh.keys() - theirs)
        commands: list[Command] = [
            # The second sets the rules where an older login of this name left its role behind.
            {"command": command, "rolename": f"{ROLE}-{name}", "acls": rules_of(wanted[name])}
            for name in (*new, *mine)
            for command in ("createRole", "modifyRole")
        ]
        for kind, names in (("createClient", new), ("modifyClient", mine)):
            commands += [
                {
                    "command": kind,
                    "username": name,
                    "password": fresh[name],
                    "roles": [{"rolename": f"{ROLE}-{name}"}],
                    "groups": [{"groupname": self._group}],
                }
                for name in names
            ]
        answers = await self._ask(*commands)
        taken = []
        for command, answer in zip(commands, answers, strict=True):
            if command["command"] == "createRole":
                _check(answer, "already exists")
            elif command["command"] == "createClient" and "already exists" in answer.get("error", ""):
                taken.append(command["username"])
            else:
                _check(answer)
        for name, secret in fresh.items():
            if name not in taken and self._fresh.get(name) == secret:
                del self._fresh[name]
        if new:
            log.info("logins written to the broker: %s", ", ".join(name for name in new if name not in taken))
        return taken

    async def _listed(self) -> set[str]:
        (answer,) = await self._ask({"command": "getGroup", "groupname": self._group})
        if "not found" in answer.get("error", ""):
            (answer,) = await self._ask({"command": "createGroup", "groupname": self._group})
            _check(answer)
            return set()
        return {client["username"] for client in _data(answer)["group"].get("clients", ())}

    async def _ask(self, *commands: Command) -> list[Command]:
        """The plugin's answers, one for each command. Raises DynsecError, ConnectionError."""
        number = secrets.token_hex(8)
        future: asyncio.Future[list[Command]] = asyncio.get_running_loop().create_future()
        self._awaited = number, future
        numbered = [{**command, "correlationData": number} for command in commands]
        try:
            if not self._send(CONTROL, json.dumps({"commands": numbered}).encode()):
                raise ConnectionError("no connection")
            async with asyncio.timeout(ANSWER_S):
                answers = await future
        except TimeoutError:
            raise DynsecError(f"no answer on {ANSWERS}") from None
        finally:
            self._awaited = None
        if len(answers) != len(commands):
            raise DynsecError(f"{len(answers)} answers to {len(commands)} commands")
        return answers

    def _problem(self, id: str, **values: Any) -> None:
        """Raise it where there is something to say, else end it."""
        if any(values.values()):
            self._open.add(id)
            self._raised(Message(id, values))
        elif id in self._open:
            self._open.discard(id)
            self._ended(id)


def _data(answer: Command) -> Command:
    _check(answer)
    data = answer.get("data")
    if not isinstance(data, dict):
        raise DynsecError("an answer without data")
    return data


def _check(answer: Command, allowed: str | None = None) -> None:
    error = str(answer.get("error", ""))
    if error and (allowed is None or allowed not in error):
        raise DynsecError(f"{answer.get('command')}: {error}")


def _parts(names: list[str]) -> list[list[str]]:
    return [names[start : start + AT_ONCE] for start in range(0, len(names), AT_ONCE)]
