"""Logins of other MQTT programs."""

from hub.api.paging import PageQuery, page
from hub.api.routing import AnyCall, Call, NoQuery, Route
from hub.api.types.mqtt import AddedMqttClient, AddMqttClientRequest, MqttClient, MqttClientList
from hub.auth.access import MqttClient as StoredClient
from hub.broker.interface import Login

TAG = "mqtt"
EXAMPLE = MqttClient("home-assistant", ["smartplug/#"], ["smartplug/+/control"])


def _view(client: StoredClient) -> MqttClient:
    return MqttClient(client.name, list(client.read), list(client.write))


async def list_mqtt_clients(call: Call[PageQuery, None]) -> MqttClientList:
    """GET /mqtt-clients"""
    clients, following = page(
        call.services.mqtt.list(call.principal), call.query, lambda client: (client.name,), tuple[str]
    )
    return MqttClientList([_view(client) for client in clients], following)


async def add_mqtt_client(call: Call[NoQuery, AddMqttClientRequest]) -> AddedMqttClient:
    """POST /mqtt-clients"""
    asked = call.body
    client, secret = await call.services.mqtt.add(call.principal, name=asked.name, read=asked.read, write=asked.write)
    lines = call.services.login_lines(Login("client", client.name, client.read, client.write), secret)
    return AddedMqttClient(_view(client), secret, lines)


async def remove_mqtt_client(call: AnyCall) -> None:
    """DELETE /mqtt-clients/{name}"""
    name = call.path("name")
    await call.services.mqtt.remove(call.principal, name)
    call.services.drop_login(name)


ROUTES = (
    Route(
        method="GET",
        path="/mqtt-clients",
        summary="Programs with an MQTT login of their own",
        tag=TAG,
        handler=list_mqtt_clients,
        role="operator",
        query=PageQuery,
        answer=MqttClientList,
        answer_example=MqttClientList([EXAMPLE]),
    ),
    Route(
        method="POST",
        path="/mqtt-clients",
        summary="Add a login; its secret is shown once",
        tag=TAG,
        handler=add_mqtt_client,
        role="operator",
        body=AddMqttClientRequest,
        answer=AddedMqttClient,
        status=201,
        errors=(
            "client-name-invalid",
            "client-name-taken",
            "filter-invalid",
            "filter-not-writable",
            "filters-missing",
            "filters-too-many",
        ),
        example=AddMqttClientRequest("home-assistant", ["smartplug/#"], ["smartplug/+/control"]),
        answer_example=AddedMqttClient(EXAMPLE, "a3" * 32),
    ),
    Route(
        method="DELETE",
        path="/mqtt-clients/{name}",
        summary="End a login",
        tag=TAG,
        handler=remove_mqtt_client,
        role="operator",
        errors=("client-unknown",),
    ),
)
