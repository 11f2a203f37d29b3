"""The admin of staff, their roles, and of what they did."""

from django.contrib import admin
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp.models import TOTPDevice

from wallet_project.back_office.admin import approvals, audit_log, staff

__all__ = ["approvals", "audit_log", "staff"]

# Their pages show the secrets, and change them without a trace.
admin.site.unregister(TOTPDevice)
admin.site.unregister(StaticDevice)
