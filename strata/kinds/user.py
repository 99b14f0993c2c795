"""A user of the identity store."""

from __future__ import annotations

from strata.kinds.attributes import Attributes
from strata.kinds.kind import Existing, Kind, Resource
from strata.kinds.reading import PROVIDERS, Reading, known, snaked
from strata.kinds.shared import CONFLICT


def _read(reading: Reading, attributes: Attributes) -> Attributes | None:
    id = str(attributes.get("user_id"))
    found = reading.users.get(id)
    if found is None:
        return None
    read = snaked(dict(found))
    return {
        **{name: known(read.get(name), attributes.get(name)) for name in _READ},
        "nickname": read.get("nick_name"),
        "name": known([read.get("name") or {}], attributes.get("name")),
        "id": f"{reading.center.store}/{id}",
        "user_id": id,
        "identity_store_id": reading.center.store,
        **PROVIDERS,
    }


_READ = (
    *("addresses", "display_name", "emails", "external_ids", "locale", "phone_numbers", "preferred_language"),
    *("profile_url", "timezone", "title", "user_name", "user_type"),
)

USER = Kind(
    "user",
    "sso",
    (
        Resource(
            "aws_identitystore_user",
            "<identity store id>/<user id>[@<region>]",
            keys=("user",),
            id="user_id",
            existing=Existing(CONFLICT, regional=True),
            kept=True,
            reads=_read,
        ),
    ),
    key="user",
    section="users",
    addresses=lambda zone: (f"aws_identitystore_user.{key}" for key, one in zone.sso.users.items() if not one.external),
    import_ids=lambda inventory: (
        ("aws_identitystore_user", f"{center.store}/{one.id}") for center in inventory.centers for one in center.users
    ),
)
