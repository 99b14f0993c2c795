"""Whether documents of Systems Manager may be shared with everybody, in a region of a member account."""

from __future__ import annotations

from strata.kinds.arguments import Attributes
from strata.kinds.kind import Ask, Resource
from strata.kinds.members.made import setting


def _asked(ask: Ask) -> Attributes:
    answer = ask.client("ssm").get_service_setting(SettingId=ask.values["setting_id"])
    return {"setting_value": answer["ServiceSetting"]["SettingValue"]}


DOCUMENTS = setting(
    "document_public_access",
    (Resource("aws_ssm_service_setting", "<service setting>[@<region>]"),),
    values=lambda control: {"setting_value": control.values["setting_value"]},
    recorded=lambda state: {"setting_value": state.get("setting_value")},
    asked=_asked,
)
