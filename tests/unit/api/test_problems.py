"""Errors as callers see them, and the catalogue of all of them."""

from __future__ import annotations

import json
import logging
import re
from collections import Counter
from typing import Any

import pytest
from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.db import DataError, IntegrityError, InterfaceError, OperationalError
from django.http import Http404
from rest_framework import exceptions as drf

from tests.unit.api.callers import call
from wallet_project import exception_handler
from wallet_project.kit.errors import DomainError
from wallet_project.kit.queue_errors import QueueFull
from wallets import errors as business
from wallets.api import errors, problems
from wallets.idempotency import Key


def told(error: BaseException, **more: Any) -> dict[str, Any]:
    answer = exception_handler.answer_of(call("POST", **more), error)
    body: dict[str, Any] = json.loads(answer.body)
    assert body["status"] == answer.status
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.headers["Cache-Control"] == "no-store"
    return body


def test_a_problem_has_every_member() -> None:
    body = told(business.WalletFrozen("A frozen wallet takes nothing."))
    assert body.pop("timestamp").endswith("Z")
    assert body == {
        "type": "/problems/wallet_frozen",
        "title": "The wallet is frozen",
        "status": 422,
        "detail": "A frozen wallet takes nothing.",
        "instance": "/api/v1/wallets",
        "code": "wallet_frozen",
        "requestId": "request-1",
        "errors": [],
    }


def test_numbers_of_a_refusal_are_amounts_of_its_currency() -> None:
    error = business.InsufficientFunds(
        "No.", available=10_050, held=0, balance=10_050, shortfall=1, currency="USD"
    )
    body = told(error)
    assert {name: body[name] for name in ("available", "held", "balance", "shortfall")} == {
        "available": "100.50",
        "held": "0.00",
        "balance": "100.50",
        "shortfall": "0.01",
    }


def test_numbers_never_replace_what_every_problem_has() -> None:
    assert told(business.WalletFrozen("No.", status=1, title="x"))["status"] == 422


def test_one_error_speaks_for_itself_and_several_are_listed() -> None:
    first = errors.FieldRequired("amount is missing.", field="amount")
    second = errors.UnknownField("Unknown.", field="x" * 5000)
    assert told(first)["code"] == "field_required"
    assert told(first)["errors"] == [
        {"field": "amount", "code": "field_required", "detail": "amount is missing."}
    ]
    body = told(errors.RequestInvalid([first, second]))
    assert body["code"] == "invalid_request"
    assert [part["code"] for part in body["errors"]] == ["field_required", "unknown_field"]
    assert len(body["errors"][1]["field"]) == 100


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (errors.BadRequest("x"), 400, "bad_request"),
        (errors.Unauthenticated(), 401, "unauthenticated"),
        (errors.AddressDenied("x"), 403, "address_denied"),
        (business.ScopeMissing("x"), 403, "scope_missing"),
        (business.DestinationNotFound("x"), 404, "destination_wallet_not_found"),
        (errors.MethodNotAllowed(["GET"]), 405, "method_not_allowed"),
        (errors.RequestTimeout("x"), 408, "request_timeout"),
        (business.ReferenceTaken("x"), 409, "reference_taken"),
        (business.PreconditionFailed("x"), 412, "version_mismatch"),
        (business.VersionNotReached("x"), 412, "version_not_reached"),
        (errors.BodyTooLarge("x"), 413, "body_too_large"),
        (errors.UnsupportedMediaType("x"), 415, "unsupported_media_type"),
        (business.KeyReused("x"), 422, "idempotency_key_reused"),
        (errors.BulkExceedsPlan("x"), 422, "bulk_exceeds_plan"),
        (errors.RateLimited("x", retry_after_seconds=7), 429, "rate_limited"),
        (errors.TooManyConnections("x"), 429, "too_many_connections"),
        (QueueFull("x"), 503, "overloaded"),
        (OperationalError(2013, "Lost connection"), 503, "database_unavailable"),
        (OperationalError(1213, "Deadlock"), 503, "database_unavailable"),
        (IntegrityError(1062, "Duplicate entry"), 503, "database_unavailable"),
        (InterfaceError("closed"), 503, "database_unavailable"),
        (Http404(), 404, "route_not_found"),
        (SuspiciousOperation("x"), 400, "bad_request"),
        (RequestDataTooBig("x"), 413, "body_too_large"),
        (drf.ParseError(), 400, "bad_request"),
        (drf.MethodNotAllowed("PUT"), 405, "method_not_allowed"),
        (DataError(1406, "Data too long"), 500, "internal_error"),
        (IntegrityError(1048, "Column cannot be null"), 500, "internal_error"),
        (ZeroDivisionError("secret of ours"), 500, "internal_error"),
        (DomainError("secret of ours"), 500, "internal_error"),
    ],
)
def test_statuses(error: BaseException, status: int, code: str) -> None:
    body = told(error)
    assert (body["status"], body["code"]) == (status, code)
    assert "secret of ours" not in json.dumps(body)


def test_what_is_our_fault_is_logged_and_not_told(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        told(business.WalletFrozen("No."))
        assert not caplog.records
        told(RuntimeError("password=hunter2"))
    assert [record.levelname for record in caplog.records] == ["ERROR"]


@pytest.mark.parametrize(
    ("error", "header", "value"),
    [
        (errors.Unauthenticated(), "WWW-Authenticate", 'Bearer realm="wallet"'),
        (errors.MethodNotAllowed(["GET", "POST"]), "Allow", "GET, POST"),
        (errors.RateLimited("x", retry_after_seconds=7), "Retry-After", "7"),
        (QueueFull("x"), "Retry-After", "1"),
        (OperationalError(2006, "gone"), "Retry-After", "1"),
    ],
)
def test_headers(error: BaseException, header: str, value: str) -> None:
    assert exception_handler.answer_of(call(), error).headers[header] == value


@pytest.mark.parametrize("error", [errors.BadRequest("x"), RuntimeError("x"), QueueFull("x")])
def test_every_failure_tells_the_key_once_it_is_known(error: BaseException) -> None:
    known = call("POST", key=Key(b"", "k-1"))
    assert exception_handler.answer_of(known, error).headers["Idempotency-Key"] == "k-1"
    assert "Idempotency-Key" not in exception_handler.answer_of(call("POST"), error).headers


def test_a_key_of_any_script_can_travel_in_a_header() -> None:
    known = call("POST", key=Key(b"", "оплата 1"))
    sent = exception_handler.answer_of(known, errors.BadRequest("x")).headers["Idempotency-Key"]
    assert sent == "%D0%BE%D0%BF%D0%BB%D0%B0%D1%82%D0%B0 1"


@pytest.mark.parametrize(
    ("path", "is_api"),
    [("/api", True), ("/api/", True), ("/api/v1/x", True), ("/apix", False), ("/", False)],
)
def test_paths_of_the_api(path: str, is_api: bool) -> None:
    assert problems.is_api_path(path) is is_api


def test_every_error_has_a_code_of_its_own_and_a_page() -> None:
    """A new error class without a code, title or sentence fails here."""
    problems.catalogue.cache_clear()  # tests before this one may have seen fewer modules
    kinds = problems.coded_errors()
    doubles = [code for code, count in Counter(kind.code for kind in kinds).items() if count > 1]
    assert not doubles
    for kind in kinds:
        explained = problems.catalogue()[kind.code]
        assert re.fullmatch(r"[a-z][a-z0-9_]{2,39}", kind.code)
        assert explained.sentence.endswith(".")
        assert explained.advice.endswith(".")
        assert explained.title != DomainError.title
        assert exception_handler.status_of(kind) in {
            400, 401, 403, 404, 405, 408, 409, 410, 412, 413, 415, 422, 429, 500, 503,
        }  # fmt: skip


def test_leaves_declare_a_code() -> None:
    def leaves(kind: type[DomainError]) -> list[type[DomainError]]:
        children = kind.__subclasses__()
        return [leaf for child in children for leaf in leaves(child)] if children else [kind]

    ours = [kind for kind in leaves(DomainError) if not kind.__module__.startswith("tests")]
    without = [kind.__qualname__ for kind in ours if "code" not in vars(kind)]
    assert not without
