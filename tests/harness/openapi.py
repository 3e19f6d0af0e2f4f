# SPDX-License-Identifier: Apache-2.0
"""An agent's OpenAPI document, and answers measured by it."""
from typing import Any, Iterator

from jsonschema import Draft202012Validator, FormatChecker
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

BASE = "urn:openapi"


class Document:
    def __init__(self, content: dict):
        self.content = content
        resource = Resource(contents=content, specification=DRAFT202012)
        self.registry = Registry().with_resource(BASE, resource)

    def find(self, reference: str) -> Any:
        """What "#/components/…" refers to."""
        at = self.content
        for part in reference.removeprefix("#/").split("/"):
            at = at[part.replace("~1", "/").replace("~0", "~")]
        return at

    def resolved(self, part: dict) -> dict:
        return self.find(part["$ref"]) if "$ref" in part else part

    def operations(self) -> Iterator[tuple[str, str, dict]]:
        for path, item in self.content["paths"].items():
            for method, operation in item.items():
                yield method.upper(), path, operation

    def answer(self, method: str, path: str, status: int) -> dict:
        return self.resolved(self.content["paths"][path][method.lower()]["responses"][str(status)])

    def check(self, schema: dict, value: Any) -> None:
        Draft202012Validator(absolute(schema), registry=self.registry, format_checker=FormatChecker()).validate(value)
        self.check_order(schema, value)

    def check_order(self, schema: dict, value: Any) -> None:
        """Members come in the order in which they are described."""
        schema = self.resolved(schema)
        for one in schema.get("anyOf", []):
            if isinstance(value, dict) and self.resolved(one).get("type") == "object":
                self.check_order(one, value)
        if isinstance(value, list) and isinstance(schema.get("items"), dict):
            for item in value:
                self.check_order(schema["items"], item)
        if isinstance(value, dict) and "properties" in schema:
            described = [name for name in schema["properties"] if name in value]
            assert list(value) == described, f"{list(value)} is not in the order of {described}"
            for name, member in value.items():
                self.check_order(schema["properties"][name], member)

    def check_answer(self, method: str, path: str, reply: Any) -> None:
        """A reply to a request of that route, which must be described."""
        answer = self.answer(method, path, reply.status)
        media_type = reply.headers["content-type"].split(";")[0]
        assert media_type in answer["content"], f"{method} {path} {reply.status}: {media_type}"
        for header in answer.get("headers", {}):
            assert header.lower() in reply.headers, f"{method} {path} {reply.status}: no {header}"
        if media_type.endswith("json"):
            self.check(answer["content"][media_type]["schema"], reply.json())


def absolute(part: Any) -> Any:
    """References made to lead into the document from anywhere."""
    if isinstance(part, dict):
        return {key: BASE + value if key == "$ref" else absolute(value) for key, value in part.items()}
    return [absolute(one) for one in part] if isinstance(part, list) else part
