"""The table of roles, by itself."""

from __future__ import annotations

import pytest

from wallet_project.back_office import roles


@pytest.mark.parametrize(
    ("held", "odd"),
    [([], False), (["maker"], False), (["checker", "viewer"], False), (["maker", "checker"], True)],
)
def test_only_maker_and_checker_are_at_odds(held: list[str], odd: bool) -> None:
    assert roles.are_at_odds(held) is odd


def test_nobody_proposes_and_approves_the_same() -> None:
    """Only looking is common to the two, and to all; a file of what one sees is a look."""
    both = roles.ROLES[roles.MAKER] & roles.ROLES[roles.CHECKER] - roles.EXPORTING
    assert {right.codename.split("_")[0] for right in both} == {"view"}
    for rights in roles.ROLES.values():
        assert rights >= roles.ROLES["viewer"]


def test_only_auditors_see_people_and_the_audit_log() -> None:
    who = {role for role, rights in roles.ROLES.items() if rights & (roles.PERSONAL | roles.STAFF)}
    assert who == {"auditor"}
