"""The resources of the API, a module each; ROUTES is the whole table."""

from hub.api.rest import (
    account,
    alerts,
    audit,
    auth,
    backups,
    certificates,
    devices,
    export,
    homes,
    invitations,
    mqtt,
    pairing,
    reports,
    rooms,
    schedules,
    system,
    telemetry,
    users,
)
from hub.api.routing import Route

ROUTES: tuple[Route, ...] = (
    *system.ROUTES,
    *auth.ROUTES,
    *devices.ROUTES,
    *pairing.ROUTES,
    *rooms.ROUTES,
    *schedules.ROUTES,
    *alerts.ROUTES,
    *telemetry.ROUTES,
    *export.ROUTES,
    *reports.ROUTES,
    *mqtt.ROUTES,
    *users.ROUTES,
    *invitations.ROUTES,
    *account.ROUTES,
    *audit.ROUTES,
    *homes.ROUTES,
    *backups.ROUTES,
    *certificates.ROUTES,
)
