"""Teaches drf-spectacular the shapes of msgspec and the way callers authenticate."""

from __future__ import annotations

from typing import Any, Final, cast

import msgspec
from drf_spectacular.extensions import (
    OpenApiAuthenticationExtension,
    OpenApiSerializerExtension,
)
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ResolvedComponent

from wallets.api import shapes

_REFERENCE: Final = "#/components/schemas/"
_LIMITS: Final[dict[str, tuple[str, str]]] = {
    "X-RateLimit-Limit": ("integer", "What the tightest bucket grants in its window."),
    "X-RateLimit-Remaining": ("integer", "What is left of it."),
    "X-RateLimit-Reset": ("integer", "When all of it is back, in seconds since 1970."),
    "RateLimit-Policy": ("string", 'Each bucket\'s quota and window: `"requests";q=100;w=60`.'),
    "RateLimit": ("string", 'What is left of each, and for how long: `"requests";r=99;t=60`.'),
}


def component_name(shape: type[msgspec.Struct]) -> str:
    """Name a shape in the document: `OpenWalletRequest`, `Wallet`."""
    if issubclass(shape, shapes.Body):
        return f"{shape.__name__}Request"
    return shape.__name__.removesuffix("Shown")


def describe_limits(result: dict[str, Any], **_context: Any) -> dict[str, Any]:
    """Give every answer the headers of the rate limits, described in one place."""
    result["components"]["headers"] = {
        name: {"description": text, "schema": {"type": kind}}
        for name, (kind, text) in _LIMITS.items()
    }
    for methods in result["paths"].values():
        for operation in methods.values():
            for answer in operation["responses"].values():
                told = answer.setdefault("headers", {})
                told |= {name: {"$ref": f"#/components/headers/{name}"} for name in _LIMITS}
    return result


class StructExtension(OpenApiSerializerExtension):  # type: ignore[no-untyped-call]
    """Makes a component of a Struct and of each Struct within it."""

    target_class = "msgspec.Struct"
    match_subclasses = True

    def get_name(self, auto_schema: AutoSchema, direction: Any) -> str:
        """Name the component."""
        return component_name(self.target)

    def map_serializer(self, auto_schema: AutoSchema, direction: Any) -> dict[str, Any]:
        """Describe the Struct as a JSON Schema."""
        _, found = msgspec.json.schema_components([self.target], ref_template=_REFERENCE + "{name}")
        known = {
            shape.__name__: shape
            for base in (shapes.Body, shapes.Shown)
            for shape in _subclasses(base)
        }
        names = {name: component_name(shape) for name, shape in known.items()}
        component: Any = ResolvedComponent  # the library has no types here
        own = found.pop(self.target.__name__)
        for name, schema in found.items():
            auto_schema.registry.register_on_missing(
                component(
                    name=names[name],
                    type=component.SCHEMA,
                    schema=_renamed(schema, names),
                    object=known[name],
                )
            )
        return cast("dict[str, Any]", _renamed(own, names))


class Schema(AutoSchema):
    """Adds to each route's description the scope that it needs."""

    def get_description(self) -> str:  # type: ignore[override]
        """Describe the route."""
        text = str(super().get_description())
        scope = getattr(self.view, "scopes", {}).get(self.method)
        return f"{text}\n\nScope: `{scope}`" if scope else text


class KeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """Describes the two headers a key may come in."""

    target_class = "wallets.api.gates.KeyAuthentication"
    name = ["bearer", "apiKey"]

    def get_security_requirement(self, auto_schema: AutoSchema) -> Any:
        """Ask for either of them."""
        return [{scheme: []} for scheme in self.name]

    def get_security_definition(self, auto_schema: AutoSchema) -> Any:
        """Describe the schemes."""
        return [
            {
                "type": "http",
                "scheme": "bearer",
                "description": "An API key, `<prefix>.<secret>`, or a token (JWT) of the issuer "
                "that the operator has set",
            },
            {
                "type": "apiKey",
                "in": "header",
                "name": "X-Api-Key",
                "description": "`X-Api-Key: <prefix>.<secret>`",
            },
        ]


def _subclasses(shape: type[Any]) -> list[type[Any]]:
    return [s for child in shape.__subclasses__() for s in (child, *_subclasses(child))]


def _renamed(schema: Any, names: dict[str, str]) -> Any:
    """Point references at the document's names; leave out titles, which are the classes' names."""
    if isinstance(schema, dict):
        return {
            key: _REFERENCE + names[value.removeprefix(_REFERENCE)]
            if key == "$ref"
            else _renamed(value, names)
            for key, value in schema.items()
            if not (key == "title" and isinstance(value, str))
        }
    if isinstance(schema, list):
        return [_renamed(item, names) for item in schema]
    return schema
