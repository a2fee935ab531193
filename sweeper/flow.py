"""Values on one line as a person writes them in a YAML file, for a mend that can be pasted there."""

from collections.abc import Mapping

from analysis import plain_yaml


def flow(value: object) -> str:
    """`value` on one line as a YAML file may hold it, to be pasted there."""
    match value:
        case Mapping():
            return "{" + ", ".join(f"{flow(key)}: {flow(item)}" for key, item in value.items()) + "}"
        case list() | tuple():
            return "[" + ", ".join(map(flow, value)) + "]"
    return plain_yaml.dump({"": value}).removeprefix('"": ').removesuffix("\n")
