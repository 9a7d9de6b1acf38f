"""ELAN files as ELAN writes them, and what every one has to fulfil."""
# ruff: noqa: E501 - ELAN's lines are as long as they are.

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pympi

_ORDER = (
    "LICENSE HEADER TIME_ORDER TIER LINGUISTIC_TYPE LOCALE LANGUAGE CONSTRAINT CONTROLLED_VOCABULARY LEXICON_REF REF_LINK_SET "
    "EXTERNAL_REF"
)
ORDER = _ORDER.split()
"""Elements in the order that the schema 3.0 demands."""

ELAN = """<?xml version="1.0" encoding="UTF-8"?>
<ANNOTATION_DOCUMENT AUTHOR="" DATE="2024-03-01T10:14:04+01:00" FORMAT="3.0" VERSION="3.0" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:noNamespaceSchemaLocation="http://www.mpi.nl/tools/elan/EAFv3.0.xsd">
    <LICENSE LICENSE_URL=""/>
    <HEADER MEDIA_FILE="" TIME_UNITS="milliseconds">
        <MEDIA_DESCRIPTOR MEDIA_URL="file:///D:/corpus/New folder (2)/histoire été.wav" MIME_TYPE="audio/x-wav" RELATIVE_MEDIA_URL="./histoire été.wav"/>
        <PROPERTY NAME="URN">urn:nl-mpi-tools-elan-eaf:5ed4d207-dd3b-4852-84a2-4bddb9e0102b</PROPERTY>
        <PROPERTY NAME="lastUsedAnnotationId">8</PROPERTY>
    </HEADER>
    <TIME_ORDER>
        <TIME_SLOT TIME_SLOT_ID="ts1" TIME_VALUE="250"/>
        <TIME_SLOT TIME_SLOT_ID="ts2" TIME_VALUE="800"/>
        <TIME_SLOT TIME_SLOT_ID="ts3"/>
        <TIME_SLOT TIME_SLOT_ID="ts4" TIME_VALUE="800"/>
        <TIME_SLOT TIME_SLOT_ID="ts6" TIME_VALUE="1600"/>
    </TIME_ORDER>
    <TIER LINGUISTIC_TYPE_REF="utterance" PARTICIPANT="Kouarata" TIER_ID="tx@K">
        <ANNOTATION>
            <ALIGNABLE_ANNOTATION ANNOTATION_ID="a1" TIME_SLOT_REF1="ts1" TIME_SLOT_REF2="ts2">
                <ANNOTATION_VALUE>wá &lt;&amp;&gt; "o" 你好</ANNOTATION_VALUE>
            </ALIGNABLE_ANNOTATION>
        </ANNOTATION>
        <ANNOTATION>
            <ALIGNABLE_ANNOTATION ANNOTATION_ID="a2" TIME_SLOT_REF1="ts4" TIME_SLOT_REF2="ts6">
                <ANNOTATION_VALUE></ANNOTATION_VALUE>
            </ALIGNABLE_ANNOTATION>
        </ANNOTATION>
    </TIER>
    <TIER LINGUISTIC_TYPE_REF="gloss" PARENT_REF="tx@K" TIER_ID="ft@K">
        <ANNOTATION>
            <REF_ANNOTATION ANNOTATION_ID="a8" ANNOTATION_REF="a1">
                <ANNOTATION_VALUE>he &#8212; goes</ANNOTATION_VALUE>
            </REF_ANNOTATION>
        </ANNOTATION>
    </TIER>
    <LINGUISTIC_TYPE GRAPHIC_REFERENCES="false" LINGUISTIC_TYPE_ID="utterance" TIME_ALIGNABLE="true"/>
    <LINGUISTIC_TYPE CONSTRAINTS="Symbolic_Association" GRAPHIC_REFERENCES="false" LINGUISTIC_TYPE_ID="gloss" TIME_ALIGNABLE="false"/>
    <LOCALE COUNTRY_CODE="US" LANGUAGE_CODE="en"/>
    <CONSTRAINT DESCRIPTION="Time subdivision of parent annotation's time interval, no time gaps allowed within this interval" STEREOTYPE="Time_Subdivision"/>
    <CONSTRAINT DESCRIPTION="Symbolic subdivision of a parent annotation. Annotations refering to the same parent are ordered" STEREOTYPE="Symbolic_Subdivision"/>
    <CONSTRAINT DESCRIPTION="1-1 association with a parent annotation" STEREOTYPE="Symbolic_Association"/>
    <CONSTRAINT DESCRIPTION="Time alignable annotations within the parent annotation's time interval, gaps are allowed" STEREOTYPE="Included_In"/>
    <CONTROLLED_VOCABULARY CV_ID="a10">
        <DESCRIPTION LANG_REF="und">x > y</DESCRIPTION>
    </CONTROLLED_VOCABULARY>
</ANNOTATION_DOCUMENT>
"""
"""With what ELAN does and others forget: slots without time, a > in text, an id outside the annotations that looks like theirs."""

MEDIA_ONLY = """<?xml version="1.0" encoding="UTF-8"?>
<ANNOTATION_DOCUMENT AUTHOR="" DATE="2024-03-01T10:14:04+01:00" FORMAT="2.7" VERSION="2.7" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:noNamespaceSchemaLocation="http://www.mpi.nl/tools/elan/EAFv2.7.xsd">
  <HEADER MEDIA_FILE="" TIME_UNITS="milliseconds">
    <MEDIA_DESCRIPTOR MEDIA_URL="file:///a/call.wav" MIME_TYPE="audio/x-wav"/>
  </HEADER>
  <TIME_ORDER/>
</ANNOTATION_DOCUMENT>
"""
"""A file in which nothing is written yet, of an ELAN that kept no counter."""


def check(content: bytes, path: Path) -> pympi.Eaf:
    """Assert what the schema demands and what ELAN relies on; what pympi-ling reads from the file at ``path`` is returned."""
    root = ElementTree.fromstring(content)
    tags = [ORDER.index(child.tag) for child in root]
    assert tags == sorted(tags), "elements in the order of the schema"
    ids = [
        value
        for element in root.iter()
        for name, value in element.attrib.items()
        if name in ("ANNOTATION_ID", "TIME_SLOT_ID", "CV_ID")
    ]
    assert len(ids) == len(set(ids)), "ids are one family"
    names = [tier.attrib["TIER_ID"] for tier in root.iter("TIER")]
    types = {kind.attrib["LINGUISTIC_TYPE_ID"]: kind.attrib for kind in root.iter("LINGUISTIC_TYPE")}
    stereotypes = [constraint.attrib["STEREOTYPE"] for constraint in root.iter("CONSTRAINT")]
    assert len(names) == len(set(names))
    assert len(types) == len(list(root.iter("LINGUISTIC_TYPE")))
    assert len(stereotypes) == len(set(stereotypes))
    slots = {slot.attrib["TIME_SLOT_ID"]: slot.attrib.get("TIME_VALUE") for slot in root.iter("TIME_SLOT")}
    aligned = [int(value) for value in slots.values() if value is not None]
    assert aligned == sorted(aligned), "slots in the order of time"
    places = {name: place for place, name in enumerate(slots)}
    for tier in root.iter("TIER"):
        kind = types[tier.attrib["LINGUISTIC_TYPE_REF"]]
        parent = tier.attrib.get("PARENT_REF")
        assert parent is None or parent in names
        assert kind.get("CONSTRAINTS") is None or kind["CONSTRAINTS"] in stereotypes
        assert (kind.get("CONSTRAINTS") is None) == (parent is None)
        before = -1
        for entry in tier.iter("ALIGNABLE_ANNOTATION"):
            first, second = places[entry.attrib["TIME_SLOT_REF1"]], places[entry.attrib["TIME_SLOT_REF2"]]
            assert before < first < second, "annotations of a tier in order, without overlap"
            before = second
        parents = {
            entry.attrib["ANNOTATION_ID"]
            for other in root.iter("TIER")
            if other.attrib["TIER_ID"] == parent
            for entry in other.iter()
            if "ANNOTATION_ID" in entry.attrib
        }
        assert all(entry.attrib["ANNOTATION_REF"] in parents for entry in tier.iter("REF_ANNOTATION"))
    for entry in root.iter("PROPERTY"):
        if entry.attrib["NAME"] == "lastUsedAnnotationId":
            numbers = [int(name[1:]) for name in ids if name.startswith("a") and name[1:].isdigit()]
            assert int(entry.text or "") >= max(numbers, default=0)
    path.write_bytes(content)
    return pympi.Eaf(str(path))
