"""Reads a CloudFormation template: !Ref X as {"Ref": X}, and !Other X as {"Fn::Other": X}."""

import yaml


class Loader(yaml.SafeLoader):
    pass


def construct_tagged(loader, suffix, node):
    value = {
        yaml.ScalarNode: loader.construct_scalar,
        yaml.SequenceNode: lambda n: loader.construct_sequence(n, deep=True),
        yaml.MappingNode: lambda n: loader.construct_mapping(n, deep=True),
    }[type(node)](node)
    return {suffix if suffix == "Ref" else f"Fn::{suffix}": value}


Loader.add_multi_constructor("!", construct_tagged)


def read(text):
    return yaml.load(text, Loader)
