"""Forms of the log-in pages."""

from typing import Any

from django import forms

from chassis.admin.theme import EmailInput, PasswordInput


def _password(autocomplete: str, *, label: str = "Password") -> forms.CharField:
    return forms.CharField(
        label=label,
        max_length=256,
        strip=False,
        widget=PasswordInput(attrs={"autocomplete": autocomplete}),
    )


def _email() -> forms.CharField:
    return forms.CharField(
        label="E-mail",
        max_length=254,
        widget=EmailInput(attrs={"autocomplete": "username", "autofocus": True}),
    )


class LogInForm(forms.Form):
    """Who logs in; what could be no account's address is answered as any wrong password."""

    email = _email()
    password = _password("current-password")


class ResetForm(forms.Form):
    """Whose password is to be set anew."""

    email = _email()


class NewPasswordForm(forms.Form):
    """A new password, typed twice."""

    token = forms.CharField(widget=forms.HiddenInput)
    password = _password("new-password", label="New password")
    again = _password("new-password", label="Once more")

    def clean(self) -> dict[str, Any]:
        """Refuse two passwords that differ."""
        cleaned = super().clean() or {}
        if "password" in cleaned and cleaned.get("again") != cleaned["password"]:
            self.add_error("again", "The two passwords differ.")
        return cleaned


class ConfirmForm(forms.Form):
    """The token of a link that confirms an address, and the password chosen at registration."""

    token = forms.CharField(widget=forms.HiddenInput)
    password = _password("current-password")
