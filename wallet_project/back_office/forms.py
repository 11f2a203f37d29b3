"""Forms of the login, and of acts on accounts."""

from __future__ import annotations

from django import forms
from unfold.widgets import BASE_INPUT_CLASSES, UnfoldAdminTextareaWidget

from wallet_project.kit.audit import REASON_LENGTH_MAX


class CodeForm(forms.Form):
    """A code of the authenticator, or a recovery code."""

    code = forms.CharField(
        label="Code",
        max_length=32,
        widget=forms.TextInput(
            attrs={
                "class": " ".join(BASE_INPUT_CLASSES),
                "autocomplete": "one-time-code",
                "autocapitalize": "none",
                "spellcheck": "false",
                "autofocus": True,
            }
        ),
    )


class ReasonForm(forms.Form):
    """Why somebody does what is hard to take back."""

    reason = forms.CharField(
        max_length=REASON_LENGTH_MAX,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3, "autofocus": True}),
        help_text="Kept in the audit log.",
    )
