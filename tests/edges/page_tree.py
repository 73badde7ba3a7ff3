"""A page as a tree of elements, for tests that ask what stands where."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

BLOCKS = frozenset({"dt", "dd", "div", "p", "li", "th", "td", "tr", "h1", "h2"})
VOID = frozenset({"meta", "link", "input", "br", "img"})


@dataclass
class Element:
    tag: str
    attributes: dict[str, str]
    parent: Element | None = None
    children: list[Element | str] = field(default_factory=list["Element | str"])

    def walk(self) -> Iterator[Element]:
        yield self
        for child in self.children:
            if isinstance(child, Element):
                yield from child.walk()

    def all(self, tag: str, **attributes: str) -> list[Element]:
        return [
            found
            for found in self.walk()
            if found.tag == tag
            and all(found.attributes.get(k.rstrip("_")) == v for k, v in attributes.items())
        ]

    @property
    def text(self) -> str:
        parts = (
            child if isinstance(child, str) else f"{child.gap}{child.text}{child.gap}"
            for child in self.children
        )
        return " ".join("".join(parts).split())

    @property
    def gap(self) -> str:
        return " " if self.tag in BLOCKS else ""


class Tree(HTMLParser):
    """Reads a page and insists that every element is closed where it was opened."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.root = self.current = Element("#document", {})
        self.feed(page)
        self.close()
        assert self.current is self.root

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {name: value or "" for name, value in attrs}, self.current)
        self.current.children.append(element)
        if tag not in VOID:
            self.current = element

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.current.children.append(
            Element(tag, {name: value or "" for name, value in attrs}, self.current)
        )

    def handle_endtag(self, tag: str) -> None:
        assert self.current.tag == tag, f"{tag} closes {self.current.tag}"
        assert self.current.parent is not None
        self.current = self.current.parent

    def handle_data(self, data: str) -> None:
        self.current.children.append(data)


def parsed(page: str) -> Element:
    return Tree(page).root
