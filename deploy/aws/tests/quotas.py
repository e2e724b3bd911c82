"""What CloudFormation refuses because it is too large or too many. Emulators and cfn-lint accept a body of 51,201 bytes.

The figures are those of "Understand CloudFormation quotas" in the AWS CloudFormation User Guide. AWS documents no words for the
refusals; these are what users of CloudFormation report. ./moto.py refuses by the same rules.

usage: quotas.py TEMPLATE…      ends with 1 where a template cannot be the body of a request
"""

import pathlib
import sys

from template import read

BODY_BYTES = 51_200  # in CreateStack, CreateChangeSet, UpdateStack and ValidateTemplate
OBJECT_BYTES = 1_000_000  # in an object of S3, given by its URL: "1 MB"
DESCRIPTION_BYTES = 1_024
PARAMETER_VALUE_BYTES = 4_096
NAME_CHARACTERS = 255
SECTIONS = {"Mappings": 200, "Parameters": 200, "Resources": 500, "Outputs": 200}
MAPPING_ATTRIBUTES = 200


def bytes_of(value):
    return len(str(value).encode())


def of_body(text):
    if bytes_of(text) > BODY_BYTES:
        yield (
            f"1 validation error detected: Value '{text[:40]}…' at 'templateBody' failed to satisfy constraint: "
            f"Member must have length less than or equal to {BODY_BYTES}"
        )


def of_object(text):
    if bytes_of(text) > OBJECT_BYTES:
        yield f"Template may not exceed {OBJECT_BYTES} bytes in size."


def of_content(template):
    for section, most in SECTIONS.items():
        entries = template.get(section, {})
        if len(entries) > most:
            yield f"Template format error: Number of {section.lower()}, {len(entries)}, is greater than maximum allowed, {most}"
        for name in entries:
            if len(name) > NAME_CHARACTERS:
                yield f"Template format error: {section} name {name[:20]}… is longer than {NAME_CHARACTERS} characters"
    for name, attributes in template.get("Mappings", {}).items():
        if len(attributes) > MAPPING_ATTRIBUTES:
            yield f"Template format error: Number of attributes of mapping {name}, {len(attributes)}, is greater than maximum allowed, {MAPPING_ATTRIBUTES}"
    if bytes_of(template.get("Description", "")) > DESCRIPTION_BYTES:
        yield f"Template format error: 'Description' length is greater than {DESCRIPTION_BYTES}."
    for name, output in template.get("Outputs", {}).items():
        if bytes_of(output.get("Description", "")) > DESCRIPTION_BYTES:
            yield f"Template format error: Output {name} has a description of more than {DESCRIPTION_BYTES} bytes"
    yield from of_parameters({name: entry.get("Default", "") for name, entry in template.get("Parameters", {}).items()})


def of_parameters(values):
    for name, value in values.items():
        if bytes_of(value) > PARAMETER_VALUE_BYTES:
            yield f"1 validation error detected: Value of parameter {name} failed to satisfy constraint: Member must have length less than or equal to {PARAMETER_VALUE_BYTES}"


def main(files):
    refused = False
    for file in files:
        text = pathlib.Path(file).read_text()
        template = read(text)
        counts = ", ".join(f"{len(template.get(section, {}))} of {most} {section.lower()}" for section, most in SECTIONS.items())
        print(f"  {file}: {bytes_of(text)} of {BODY_BYTES} bytes, {counts}")
        for refusal in [*of_body(text), *of_object(text), *of_content(template)]:
            print(f"{file}: {refusal}", file=sys.stderr)
            refused = True
    sys.exit(refused)


if __name__ == "__main__":
    main(sys.argv[1:])
