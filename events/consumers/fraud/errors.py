"""Why a decision about an alert is turned down."""

from wallet_project.kit.errors import Conflict, Forbidden


class AlertDecided(Conflict):
    """Somebody else has cleared or confirmed the alert already."""

    code = "fraud_alert_decided"
    title = "The alert is decided"


class SamePerson(Forbidden):
    """Who froze a wallet does not unfreeze it."""

    code = "fraud_same_person"
    title = "Another person has to unfreeze it"
